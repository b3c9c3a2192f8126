"""Records between two stages: gathered by another key on their way, and behind it what they were when they entered.

Whatever way records take: what is written is tried over both.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.contracts import headers, topics
from pipeline.contracts.coordinates import Coordinates
from pipeline.contracts.hops import entered, kept_key
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.records import Outgoing
from pipeline.runtime.batches.partitioning import partitions_of
from pipeline.runtime.record_path import BATCHES, RECORDS
from tests.unit.output_bench import FACTS, HOP, LIMIT, Bench
from tests.unit.samples import ORIGIN, TIMESTAMP_MS, record, transfer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.contracts.headers import Header
    from pipeline.contracts.records import Record
    from tests.unit.fake_kafka import Sent

TRACE: Header = ("trace", b"t")
SO_FAR: Header = ("pipeline.unknown", b"of a stage")


@pytest.fixture(params=[BATCHES, RECORDS])
def make_bench(request: pytest.FixtureRequest) -> Callable[..., Bench]:
    """Provide a maker of benches, for every record path in its turn."""
    return partial(Bench, request.param)


def hopped(sent: Sent, offset: int = 7) -> Record:
    """Return what was written to a hop, as the next stage reads it."""
    found = tuple(sent.headers)
    origin = headers.coordinates_in(found, headers.ORIGIN)
    read = record(sent.value, key=sent.key, headers=found, partition=sent.partition or 0, offset=offset, origin=origin)
    return replace(read, topic=sent.topic, timestamp_ms=sent.timestamp_ms)


def test_a_hop_is_called_after_what_it_gathers() -> None:
    """One topic for each name, the same whenever it is asked for; a variable says what all of them begin with."""
    by_target, by_device = topics.hop_by("target"), topics.hop_by("device.id")
    assert by_target is topics.hop_by("target")
    assert by_target.name_in({}) == "streaming.transactions.by-target"
    assert by_device.name_in({topics.HOPS_VARIABLE: "mine."}) == "mine.device.id"
    assert by_target.key != by_device.key
    assert by_target not in topics.ALL


@given(st.none() | st.binary(max_size=20), st.integers(0, 99), st.integers(0, 2**62))
def test_what_entered_is_found_again(key: bytes | None, partition: int, offset: int) -> None:
    """Its key, also none and an empty one, its place, and the headers that are not ours."""
    read = record(b"{}", key=key, headers=(TRACE,), origin=Coordinates(partition, offset))
    carried = (*read.headers, (headers.ORIGIN.name, b"%d:%d" % (partition, offset)), SO_FAR, *kept_key(read))
    at_hop = replace(read, topic="hop", partition=1, offset=7, key=b"other", headers=carried)
    assert entered(at_hop, "input") == replace(read, partition=partition, offset=offset)


def test_what_somebody_else_wrote_to_a_hop_stays_what_it_is() -> None:
    """It says of no place where it entered."""
    forged = record(b"{}", headers=(TRACE,), origin=None)
    assert entered(forged, "input") is forged


def test_to_a_hop_a_record_goes_by_another_key(make_bench: Callable[..., Bench]) -> None:
    """With its bytes, time and origin, and the key with which it entered in a header."""
    bench = make_bench()
    bench.write(record(transfer(), headers=(TRACE,), partition=2), [Outgoing(HOP, headers=(SO_FAR,), key=b"B2")])
    (sent,) = bench.sent
    assert (sent.topic, sent.key, sent.value, sent.timestamp_ms) == (
        "name-of-by-target",
        b"B2",
        transfer(),
        TIMESTAMP_MS,
    )
    assert [sent.partition] == partitions_of([b"B2"], 4)
    assert sent.headers == [TRACE, ("pipeline.origin", b"3:41"), SO_FAR, ("pipeline.key", b"key")]


@pytest.mark.parametrize("key", [b"key", b"", None])
def test_behind_the_hops_a_record_is_what_entered(make_bench: Callable[..., Bench], key: bytes | None) -> None:
    """Nothing of the way is left on it, however many hops it took; it is in the partition that it entered by."""
    bench = make_bench()
    bench.write(record(transfer(), key=key, headers=(TRACE,)), [Outgoing(HOP, headers=(SO_FAR,), key=b"B2")])
    bench.write(hopped(bench.sent[0]), [Outgoing(HOP, headers=(SO_FAR,), key=b"C3")])
    bench.write(hopped(bench.sent[1]), [Outgoing(topics.LEGIT)])
    _, again, last = bench.sent
    assert again.key == b"C3"
    assert (last.key, last.value, last.partition, last.timestamp_ms) == (key, transfer(), 3, TIMESTAMP_MS)
    assert last.headers == [TRACE, ("pipeline.origin", b"3:41")]


def test_what_a_later_stage_refuses_is_a_dead_letter_of_the_input(make_bench: Callable[..., Bench]) -> None:
    """As it entered: somebody may want to send it again, from the beginning."""
    bench = make_bench()
    bench.write(record(transfer(), headers=(TRACE,)), [Outgoing(HOP, headers=(SO_FAR,), key=b"B2")])
    at_hop = hopped(bench.sent[0])
    with pytest.raises(InvalidMessageError, match="bytes to write") as refused:
        bench.write(at_hop, [Outgoing(topics.FRAUD, b"v" * LIMIT)])
    bench.output.send_letter(topics.TRANSACTIONS_DEAD_LETTER, at_hop, refused.value, "detector")
    letter = bench.sent[1]
    assert (letter.topic, letter.key, letter.value) == ("name-of-transactions-dead-letter", b"key", transfer())
    assert letter.partition == ORIGIN.partition % FACTS[topics.TRANSACTIONS_DEAD_LETTER].partitions
    told = dict(letter.headers)
    assert (told["trace"], told["pipeline.origin"], told["pipeline.source"]) == (b"t", b"3:41", b"3:41")
    assert told["pipeline.reason"] == Reason.TOO_LARGE.encode()
    assert not told.keys() & {"pipeline.key", SO_FAR[0]}
