"""Whole batches of a source: in order by key, within their limit, as soon as their partition is free, all counted."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka.errors import KafkaError, KafkaTimeoutError

from pipeline.runtime import record_path
from pipeline.runtime.batches import publishing
from pipeline.runtime.batches.partitioning import partitions_of
from pipeline.runtime.batches.publishing import BatchOutlet
from pipeline.runtime.batches.reading import RawBatch, records_in
from pipeline.runtime.clients.cluster import TopicFacts
from pipeline.runtime.outlets import RecordOutlet
from pipeline.runtime.publisher import Publisher, PublishingError
from pipeline.runtime.record_path import BATCHES, RECORDS, outlet_of
from tests.unit.fake_kafka import FakeFuture, FakeProducer

if TYPE_CHECKING:
    from collections.abc import Callable

    from kafka.structs import TopicPartition

    from pipeline.runtime.batches.writing import BatchBuilder

    Maker = Callable[..., tuple["Taking", Publisher]]

FEW_BYTES = 300
LIMIT = 1_000_000
ANY_TIME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class Taking(FakeProducer):
    """A producer that is handed whole batches, and knows of as many partitions as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.partitions = 3
        self.batches: list[tuple[int, list[tuple[bytes, bytes, int]], int]] = []

    def partitions_for(self, topic: str) -> set[int]:
        """Return the partitions of a topic, or refuse to where a test says so."""
        self._call("partitions")
        assert topic == "input"
        return set(range(self.partitions))

    def hand_over(self, place: TopicPartition, builder: BatchBuilder) -> FakeFuture:
        """Take a batch, as it is."""
        self._call("hand_over")
        raw = RawBatch(
            builder.records(), 0, builder.count, 0, builder.base_timestamp, builder.max_timestamp, log_append=False
        )
        found = [
            (record.key or b"", record.value or b"", record.timestamp_ms)
            for record in records_in(raw, place.topic, place.partition, is_input=True)
            if not record.headers
        ]
        self.batches.append((place.partition, found, builder.size))
        self.futures.append(FakeFuture())
        return self.futures[-1]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Maker:
    """Provide a maker of publishers by batches of at most so many bytes, with room for so many records."""

    def made(max_bytes: int = LIMIT, most: int = 1_000) -> tuple[Taking, Publisher]:
        producer = Taking()
        monkeypatch.setattr(publishing, "hand_over", lambda _, place, builder: producer.hand_over(place, builder))
        return producer, Publisher(BatchOutlet(producer, TopicFacts("input", "id", 3, max_bytes)), most)

    return made


def test_what_is_sent_at_once_goes_in_one_batch_a_partition(make: Maker) -> None:
    """Nothing waits for company where nothing is under way, and each key is where the client would put it."""
    producer, publisher = make()
    records = [(b"key-%d" % number, b"%d" % number) for number in range(50)]
    publisher.send(records, 1_795_363_200_123)
    assert sorted(partition for partition, _, _ in producer.batches) == [0, 1, 2]
    for partition, found, _ in producer.batches:
        numbers = partitions_of([key for key, _ in records], 3)
        expected = [
            (*one, 1_795_363_200_123) for one, number in zip(records, numbers, strict=True) if number == partition
        ]
        assert found == expected
    assert publisher.in_flight == 50


def test_what_comes_while_a_batch_is_under_way_fills_the_next(make: Maker) -> None:
    """It is held back, counted as in flight, and goes when the one before is decided."""
    producer, publisher = make()
    for number in range(5):
        publisher.send([(b"k", b"%d" % number)], number)
    assert [[value for _, value, _ in found] for _, found, _ in producer.batches] == [[b"0"]]
    assert publisher.push()
    assert publisher.in_flight == 5
    producer.futures[0].resolve()
    assert not publisher.push()
    assert producer.batches[1][1] == [(b"k", b"%d" % number, number) for number in range(1, 5)]


def test_no_batch_is_larger_than_its_topic_takes(make: Maker) -> None:
    """A batch that is full goes at once, however many are under way; one record too large goes alone."""
    producer, publisher = make(FEW_BYTES)
    publisher.send([(b"k", b"v" * 30)] * 40 + [(b"k", b"v" * 400)] + [(b"k", b"v")], 1)
    publisher.push(everything=True)
    assert all(size <= FEW_BYTES or len(found) == 1 for _, found, size in producer.batches)
    assert sum(len(found) for _, found, _ in producer.batches) == 42


def test_partitions_that_are_added_are_used(make: Maker) -> None:
    """As soon as the client knows of them."""
    producer, publisher = make()
    records = [(b"key-%d" % number, b"") for number in range(200)]
    publisher.send(records, 1)
    producer.partitions = 6
    publisher.send(records, 2)
    assert {partition for partition, _, _ in producer.batches} == set(range(6))


@ANY_TIME
@given(
    most=st.integers(1, 12),
    steps=st.lists(st.sampled_from(["send", "resolve", "fail", "wait", "push"]), max_size=60),
    keys=st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), min_size=1, max_size=7),
)
def test_all_is_counted_and_each_key_keeps_its_order(
    make: Maker, most: int, steps: list[str], keys: list[bytes]
) -> None:
    """Whatever comes in whatever order: the bound holds, nothing is lost, and batches count for all their records."""
    producer, publisher = make(FEW_BYTES, most)
    sent: dict[bytes, list[bytes]] = defaultdict(list)
    for step in steps:
        undecided = [future for future in producer.futures if not future.is_done]
        if step == "send" and publisher.wait_for_room():
            records = [(key, b"%d" % len(sent[key])) for key in keys[: publisher.room]]
            for key, value in records:
                sent[key].append(value)
            publisher.send(records, 1)
        elif step in {"resolve", "fail"} and undecided:
            undecided[len(undecided) // 2].resolve(KafkaError() if step == "fail" else None)
        elif step == "wait":
            publisher.wait_for_room()
        elif step == "push":
            publisher.push()
        assert publisher.in_flight <= most
        assert publisher.in_flight + publisher.delivered + publisher.failed == sum(map(len, sent.values()))
    publisher.push(everything=True)
    found: dict[bytes, list[bytes]] = defaultdict(list)
    for _, batch, _ in producer.batches:
        for key, value, _ in batch:
            found[key].append(value)
    assert found == {key: values for key, values in sent.items() if values}


def test_finishing_hands_over_what_was_held_back(make: Maker) -> None:
    """The last records do not stay behind, and a batch that failed counts with all of them."""
    producer, publisher = make()
    publisher.send([(b"k", b"v")], 1)
    publisher.send([(b"k", b"v")] * 9, 2)
    producer.decide = lambda number, future: future.resolve(KafkaError() if number else None)
    with pytest.raises(PublishingError, match="9 records failed and 0 are undecided, beside 1 delivered"):
        publisher.finish(1.0)
    assert producer.calls[-3:] == ["hand_over", "flush", "close"]


@pytest.mark.parametrize("call", ["partitions", "hand_over"])
def test_what_the_client_refuses_is_an_error_and_stays_counted(make: Maker, call: str) -> None:
    """A topic that no broker tells of ends the run, with a sentence, and nothing looks delivered that was not."""
    producer, publisher = make()
    producer.raises[call] = [KafkaTimeoutError("no metadata")]
    with pytest.raises(PublishingError, match="cannot send to input"):
        publisher.send([(b"k", b"v")] * 3, 1)
    with pytest.raises(PublishingError, match="0 records failed and 3 are undecided"):
        publisher.finish(1.0)


def test_a_client_that_was_not_tested_gets_its_records_one_by_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As does whoever asks for it; only the first is worth a warning."""
    facts = TopicFacts("input", "id", 3, LIMIT)
    assert isinstance(outlet_of(BATCHES, Taking(), facts), BatchOutlet)
    assert isinstance(outlet_of(RECORDS, Taking(), facts), RecordOutlet)
    assert not caplog.messages
    monkeypatch.setattr(record_path.kafka, "__version__", "3.0.99")  # type: ignore[attr-defined]
    assert isinstance(outlet_of(BATCHES, Taking(), facts), RecordOutlet)
    assert "kafka-python 3.0.99 was not tested" in caplog.text
