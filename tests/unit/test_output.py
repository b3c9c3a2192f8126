"""The writing side of the loop: what goes with a record, and that nothing is committed unless all was delivered.

Whatever way records take: every test runs over both.
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from kafka.errors import InvalidTopicError, KafkaConnectionError, KafkaError, KafkaTimeoutError, ProducerFencedError
from kafka.structs import OffsetAndMetadata, TopicPartition

from pipeline.contracts import topics
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.records import Outgoing
from pipeline.runtime.record_path import BATCHES, RECORDS, one_by_one
from pipeline.runtime.transactional import output as output_module
from pipeline.runtime.transactional.addressing import LATEST_AHEAD_MS
from pipeline.runtime.transactional.batch import Batch
from tests.support.pieces import records_of
from tests.unit.fake_kafka import FakeFuture, FakeProducer, Raw, member
from tests.unit.output_bench import BATCH, INPUT, LIMIT, Bench
from tests.unit.samples import TIMESTAMP_MS, TRANSFERS, record, transfer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.contracts.records import Record

ERROR = InvalidMessageError(Reason.MISSING_MEMBER, "member 'amount' is missing")
LEGIT = Outgoing(topics.LEGIT)


@pytest.fixture(params=[BATCHES, RECORDS])
def make_bench(request: pytest.FixtureRequest) -> Callable[..., Bench]:
    """Provide a maker of benches, for every record path in its turn."""
    return partial(Bench, request.param)


def test_a_record_passes_on_with_key_time_partition_and_origin(make_bench: Callable[..., Bench]) -> None:
    """A record that is legitimate differs from what was read in nothing but a header."""
    bench = make_bench()
    bench.write(record(transfer(), partition=2), [LEGIT])
    (sent,) = bench.sent
    assert (sent.topic, sent.key, sent.value) == ("name-of-legit", b"key", transfer())
    assert (sent.partition, sent.timestamp_ms) == (2, TIMESTAMP_MS)
    assert sent.headers == [("pipeline.origin", b"3:41")]


def test_a_new_value_takes_the_place_of_the_one_that_was_read(make_bench: Callable[..., Bench]) -> None:
    """An outgoing record may bring its own bytes, even none, and headers behind those that travel."""
    bench = make_bench()
    read = record(transfer(), headers=(("trace", b"t"),))
    bench.write(read, [Outgoing(topics.FRAUD, b"new", (("pipeline.hits", b"1"),))])
    bench.write(read, [Outgoing(topics.FRAUD, b"")])
    first, second = bench.sent
    assert (first.topic, first.value, second.value) == ("name-of-fraud", b"new", b"")
    assert first.headers == [("trace", b"t"), ("pipeline.origin", b"3:41"), ("pipeline.hits", b"1")]


def test_headers_of_our_names_are_not_taken_from_a_record(make_bench: Callable[..., Bench]) -> None:
    """What came in under our names is dropped, and the origin that we know is written."""
    bench = make_bench()
    forged = (("pipeline.origin", b"0:0"), ("trace", b"t"), ("pipeline.unknown", b"x"), ("trace", b"u"))
    bench.write(record(transfer(), headers=forged), [LEGIT])
    assert bench.sent[0].headers == [("trace", b"t"), ("trace", b"u"), ("pipeline.origin", b"3:41")]


def test_a_header_without_a_value_does_not_stop_a_partition(make_bench: Callable[..., Bench]) -> None:
    """Kafka allows headers without a value and the client refuses to write them: the record goes on all the same."""
    bench = make_bench()
    read = record(transfer(), headers=(("trace", None), ("other", b"o")))
    bench.write(read, [LEGIT])
    bench.output.send_letter(topics.TRANSACTIONS_DEAD_LETTER, read, ERROR, "detector")
    for sent in bench.sent:
        assert ("other", b"o") in sent.headers


@pytest.mark.parametrize("key", [None, b"", b"key"])
def test_a_tombstone_becomes_a_letter_whatever_its_key(make_bench: Callable[..., Bench], key: bytes | None) -> None:
    """Without key and value the client refuses a record: its letter is written all the same."""
    bench = make_bench()
    error = InvalidMessageError(Reason.TOMBSTONE, "the record has no value")
    bench.output.send_letter(topics.TRANSACTIONS_DEAD_LETTER, record(None, key=key), error, "detector")
    (sent,) = bench.sent
    assert not sent.value
    assert ("pipeline.reason", b"tombstone") in sent.headers


def test_more_partitions_are_folded_into_fewer(make_bench: Callable[..., Bench]) -> None:
    """An output with fewer partitions keeps the order of every account as well."""
    bench = make_bench()
    for partition in range(9):
        bench.write(record(b"%d" % partition, partition=partition), [LEGIT])
    found = [[sent.value for sent in bench.sent if sent.partition == partition] for partition in range(4)]
    assert found == [[b"0", b"4", b"8"], [b"1", b"5"], [b"2", b"6"], [b"3", b"7"]]


@pytest.mark.parametrize(
    ("timestamp_ms", "written"),
    [
        (0, 0),
        (TIMESTAMP_MS, TIMESTAMP_MS),
        (TIMESTAMP_MS + LATEST_AHEAD_MS, TIMESTAMP_MS + LATEST_AHEAD_MS),
        (TIMESTAMP_MS + LATEST_AHEAD_MS + 1, TIMESTAMP_MS),
        (2**63 - 1, TIMESTAMP_MS),
        (-1, TIMESTAMP_MS),
    ],
)
def test_a_time_that_brokers_refuse_is_brought_back(
    make_bench: Callable[..., Bench], timestamp_ms: int, written: int
) -> None:
    """Up to 55 minutes ahead a time stays; beyond, or where there is none, it is now, the original in a header."""
    bench = make_bench()
    read = record(transfer(), timestamp_ms=timestamp_ms)
    bench.write(read, [LEGIT])
    bench.output.send_letter(topics.TRANSACTIONS_DEAD_LETTER, read, ERROR, "detector")
    for sent in bench.sent:
        assert sent.timestamp_ms == written
        original = [value for name, value in sent.headers if name == "pipeline.timestamp"]
        assert original == ([] if written == timestamp_ms else [b"%d" % timestamp_ms])


def carried(bench: Bench) -> Record:
    """Return the record that was written last as the next service reads it."""
    sent = bench.sent[-1]
    assert sent.timestamp_ms is not None
    raw = Raw(7, sent.value, sent.key, sent.timestamp_ms, sent.headers, sent.topic, sent.partition or 0)
    place = TopicPartition(sent.topic, sent.partition)
    (read,) = records_of(Batch({place: [raw]}, member(5), one_by_one(is_input=False).read))
    return read


def test_every_reader_sees_the_same_time_of_a_transaction(make_bench: Callable[..., Bench]) -> None:
    """A message without a time of its own has that of its record, for whoever reads it behind the detector too."""
    bench = make_bench(now_ms=TIMESTAMP_MS - 2 * LATEST_AHEAD_MS)
    read = record(transfer())
    bench.write(read, [LEGIT])
    assert TRANSFERS.read(carried(bench)) == TRANSFERS.read(read)


def test_the_original_time_is_kept_on_the_way_to_the_dead_letters(make_bench: Callable[..., Bench]) -> None:
    """A record whose time was brought back and that fails later still says what its time was."""
    bench = make_bench(now_ms=TIMESTAMP_MS - 2 * LATEST_AHEAD_MS)
    bench.write(record(transfer()), [LEGIT])
    bench.output.send_letter(topics.LEGIT_DEAD_LETTER, carried(bench), ERROR, "legit_processor")
    assert ("pipeline.timestamp", b"%d" % TIMESTAMP_MS) in bench.sent[-1].headers


def test_what_the_topic_cannot_take_is_refused_before_anything_is_sent(make_bench: Callable[..., Bench]) -> None:
    """Size is checked with key, value and headers, against the limit of the topic it would go to."""
    bench = make_bench()
    bench.write(record(b"v" * (LIMIT - 2_000)), [LEGIT])
    too_large = [
        (record(b"v" * LIMIT), LEGIT),
        (record(b"v", key=b"k" * LIMIT), LEGIT),
        (record(b"v", headers=(("h", b"h" * LIMIT),)), LEGIT),
        (record(b"v"), Outgoing(topics.FRAUD, b"v" * LIMIT)),
    ]
    for read, outgoing in too_large:
        with pytest.raises(InvalidMessageError, match=f"name-of-{outgoing.topic.key}") as refused:
            bench.write(read, [outgoing])
        assert refused.value.reason == Reason.TOO_LARGE
    assert len(bench.sent) == 1


def test_a_commit_has_its_steps_in_order(make_bench: Callable[..., Bench]) -> None:
    """Flush, then the offsets behind the last records under the membership of the batch, then commit."""
    bench = make_bench()
    bench.write(record(transfer()), [LEGIT])
    bench.output.commit(BATCH)
    assert bench.producer.calls == ["begin", "send", "flush", "offsets", "commit"]
    assert bench.producer.offsets == [({INPUT: OffsetAndMetadata(10)}, BATCH.membership)]


def test_a_record_that_failed_stops_the_commit(make_bench: Callable[..., Bench]) -> None:
    """The client would commit without it: every future is looked at first."""
    bench = make_bench()
    for partition in range(5):
        bench.write(record(transfer(), partition=partition), [LEGIT])
    bench.producer.decide = lambda number, future: future.resolve(KafkaTimeoutError() if number == 3 else None)
    with pytest.raises(KafkaTimeoutError):
        bench.output.commit(BATCH)
    assert "offsets" not in bench.producer.calls
    assert "commit" not in bench.producer.calls


def test_a_record_that_is_undecided_stops_the_commit(make_bench: Callable[..., Bench]) -> None:
    """A flush that returned is no proof."""
    bench = make_bench()
    bench.write(record(transfer()), [LEGIT])

    def leave(_number: int, _future: FakeFuture) -> None:
        """Decide nothing."""

    bench.producer.decide = leave
    with pytest.raises(KafkaError, match="neither delivered nor refused"):
        bench.output.commit(BATCH)
    assert "commit" not in bench.producer.calls


def test_letters_count_as_well(make_bench: Callable[..., Bench]) -> None:
    """A dead letter that was not delivered stops the commit as any other record does."""
    bench = make_bench()
    bench.output.send_letter(topics.TRANSACTIONS_DEAD_LETTER, record(b"x"), ERROR, "detector")
    bench.producer.decide = lambda _number, future: future.resolve(InvalidTopicError())
    with pytest.raises(InvalidTopicError):
        bench.output.commit(BATCH)


def test_a_new_transaction_forgets_the_futures_of_the_last(make_bench: Callable[..., Bench]) -> None:
    """What failed was dealt with and does not fail the next transaction."""
    bench = make_bench()
    bench.write(record(transfer()), [LEGIT])
    assert len(bench.sent) == 1
    bench.producer.futures[0].resolve(KafkaTimeoutError())
    bench.output.begin(BATCH)
    bench.output.commit(BATCH)
    assert bench.producer.calls[-2:] == ["offsets", "commit"]


def test_a_producer_that_can_is_asked_for_the_offsets_at_once(make_bench: Callable[..., Bench]) -> None:
    """Before any record; and should it be replaced then, the offsets may be a part of what is left open."""
    bench = make_bench(FakeProducer(), FakeProducer())
    bench.producer.announces_offsets = True
    bench.output.begin(BATCH)
    assert bench.producer.calls[-2:] == ["begin", "announce"]
    bench.output.replace_producer()
    assert bench.leftovers.steps[0] == ("before", {4}, {}, True)


def test_a_producer_is_replaced_after_a_failure(make_bench: Callable[..., Bench]) -> None:
    """The old one is closed at once and never used again; the new one has the next transaction."""
    bench = make_bench(FakeProducer(), FakeProducer())
    bench.output.replace_producer()
    bench.output.begin(BATCH)
    assert bench.producer.closed_with == [0.0]
    assert bench.producers[1].calls == ["begin"]


def test_what_a_broker_left_open_is_ended_before_anything_new_is_written(make_bench: Callable[..., Bench]) -> None:
    """Before the id is initialised anew, with where the last transaction began; afterwards what is still open."""
    bench = make_bench(FakeProducer(), FakeProducer(), FakeProducer())
    bench.write(record(transfer(), partition=2), [LEGIT])
    bench.write(record(transfer(), partition=2), [LEGIT])
    bench.output.commit(BATCH)
    bench.output.begin(BATCH)
    bench.output.replace_producer()
    place = TopicPartition("name-of-legit", 2)
    assert bench.leftovers.steps == [("before", {4}, {place: 70}, False), ("after", {4})]
    bench.leftovers.steps.clear()
    bench.output.begin(BATCH)
    bench.output.replace_producer()
    assert bench.leftovers.steps[0] == ("before", {4}, {}, False)


def test_a_replacement_that_did_not_come_to_its_end_is_not_taken_for_one(make_bench: Callable[..., Bench]) -> None:
    """The producer is new and knows of no broken connection: what was left open is still there."""
    bench = make_bench(FakeProducer(), FakeProducer(), FakeProducer())
    bench.producer.disturbed = True
    assert bench.output.disturbed
    bench.leftovers.wrong = [KafkaError()]
    with pytest.raises(KafkaError):
        bench.output.replace_producer()
    assert bench.output.disturbed
    bench.output.replace_producer()
    assert not bench.output.disturbed


def test_what_was_not_clear_is_looked_at_again(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica that died together with the broker may have left something that was still being ended."""
    seconds = 100.0
    monkeypatch.setattr(output_module, "time", SimpleNamespace(monotonic=lambda: seconds))
    bench = make_bench(FakeProducer(), FakeProducer())
    bench.leftovers.unclear = True
    bench.output.replace_producer()
    assert not bench.output.disturbed
    seconds += 20
    assert bench.output.disturbed


def test_a_transaction_over_a_broken_connection_is_not_committed(make_bench: Callable[..., Bench]) -> None:
    """A broker that began anew in between may have ended it, and may have left the last one open."""
    bench = make_bench()
    bench.write(record(transfer()), [LEGIT])
    bench.producer.disturbed = True
    with pytest.raises(KafkaConnectionError, match="broke"):
        bench.output.commit(BATCH)
    assert "offsets" not in bench.producer.calls


def test_an_abort_that_fails_is_left_to_the_broker(make_bench: Callable[..., Bench]) -> None:
    """A process that ends on an error of its own ends with that error."""
    bench = make_bench(FakeProducer({"abort": [ProducerFencedError()]}))
    bench.output.abort()
    assert bench.producer.calls[-1] == "abort"


def test_closing_takes_no_longer_than_it_may(make_bench: Callable[..., Bench]) -> None:
    """A producer that would not close is forced to."""
    bench = make_bench(FakeProducer({"close": [KafkaTimeoutError()]}))
    bench.output.close()
    assert bench.producer.calls[-3:] == ["close", "force_close", "join"]


def test_what_the_client_waits_for_without_an_end_is_watched(make_bench: Callable[..., Bench]) -> None:
    """Committing, aborting and replacing a producer have deadlines, since the client gives them none."""
    bench = make_bench(FakeProducer(), FakeProducer())
    bench.output.commit(BATCH)
    bench.output.abort()
    bench.output.replace_producer()
    assert [name for name, _ in bench.watchdog.watched] == [
        "committing a transaction",
        "aborting a transaction",
        "replacing the producer",
    ]
    assert all(0 < seconds <= 120 for _, seconds in bench.watchdog.watched)
