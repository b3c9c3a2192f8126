"""A batch: where its records entered and when, where it ends, and how it knows its own commit again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from kafka.structs import OffsetAndMetadata, TopicPartition

from pipeline.contracts.coordinates import Coordinates
from pipeline.runtime.record_path import one_by_one
from pipeline.runtime.transactional.batch import Batch
from tests.support.pieces import records_of
from tests.unit.fake_kafka import FakeConsumer, Raw, member
from tests.unit.intake_bench import LEFT, ONE, ZERO, intake_of, joined, some

if TYPE_CHECKING:
    from pipeline.contracts.headers import Header
    from pipeline.contracts.records import Record


def batch_of(*raws: Raw, is_input: bool) -> list[Record]:
    """Return the records of a batch from partition 1."""
    read = one_by_one(is_input=is_input).read
    return records_of(Batch({ONE: [replace(raw, partition=1) for raw in raws]}, member(1), read))


def test_on_the_input_topic_the_origin_is_the_records_own_place() -> None:
    """Nobody outside can forge it with a header."""
    (read,) = batch_of(Raw(8, headers=[("pipeline.origin", b"0:0"), ("trace", b"t")]), is_input=True)
    assert read.origin == read.place == Coordinates(1, 8)
    assert (read.topic, read.partition, read.offset, read.key, read.value) == ("input", 1, 8, b"key", b"{}")


def test_on_later_topics_the_origin_stands_in_the_header() -> None:
    """It is kept across hops; without one, or with garbage in it, there is none."""
    carried, missing, garbage = batch_of(
        Raw(8, headers=[("pipeline.origin", b"3:41")]),
        Raw(9),
        Raw(10, headers=[("pipeline.origin", b"x")]),
        is_input=False,
    )
    assert carried.origin == Coordinates(3, 41)
    assert carried.place == Coordinates(1, 8)
    assert missing.origin is garbage.origin is None


def test_a_hop_that_the_same_consumer_reads_is_no_input() -> None:
    """Transactions enter by the input alone: behind it the headers are ours."""
    forged: list[Header] = [("pipeline.origin", b"3:41")]
    hop = TopicPartition("by-target", 0)
    polled = {ZERO: [Raw(8, headers=forged)], hop: [Raw(9, headers=forged, topic="by-target")]}
    read = one_by_one(is_input=True, hops={"by-target"}).read
    entered, hopped = records_of(Batch(polled, member(1), read))
    assert entered.origin == Coordinates(0, 8)
    assert hopped.origin == Coordinates(3, 41)


def test_a_batch_ends_behind_its_last_records() -> None:
    """By partition, gaps included: what a transaction commits is where reading goes on."""
    batch = Batch(some(3, 9) | some(5, place=ONE), member(1), one_by_one(is_input=True).read)
    assert batch.ends == {ZERO: OffsetAndMetadata(10), ONE: OffsetAndMetadata(6)}
    assert len(batch) == 3
    assert [(record.partition, record.offset) for record in records_of(batch)] == [(0, 3), (0, 9), (1, 5)]


@pytest.mark.parametrize(
    ("offsets", "committed"),
    [
        ({ZERO: 10, ONE: 6}, True),
        ({ZERO: 10, ONE: 5}, True),
        ({ZERO: 12, ONE: 6}, True),
        ({ZERO: 10}, True),
        ({ZERO: 3, ONE: 5}, False),
        ({}, False),
    ],
)
def test_a_batch_was_committed_where_one_of_its_ends_was(*, offsets: dict[Any, int | None], committed: bool) -> None:
    """Offsets of one transaction are committed together; a partition that somebody took over may be further on."""
    batch = Batch(some(3, 9) | some(5, place=ONE), member(1), one_by_one(is_input=True).read)
    assert intake_of(FakeConsumer([], offsets=offsets)).has_committed(batch) is committed


def test_what_another_member_committed_is_not_taken_for_ours() -> None:
    """A member that was thrown out while it stood still finds its offsets committed by its successor.

    Its own transaction was aborted: were it taken for committed, its lines would be printed by both.
    """
    consumer = FakeConsumer([])
    intake = joined(consumer)
    consumer.polls.append((some(5, 6), member(1)))
    batch = intake.poll(500)
    assert batch is not None
    consumer.membership = LEFT
    consumer.offsets[ZERO] = 7
    assert not intake.has_committed(batch)


def test_what_was_committed_with_the_token_of_a_batch_is_ours() -> None:
    """Every batch has a token of its own, which is committed with its offsets: the same offsets alone prove nothing."""
    consumer = FakeConsumer([])
    intake, other = joined(consumer), joined(consumer)
    consumer.polls += [(some(5, 6), member(1))] * 3
    batches = [taken for taken in (intake.poll(500), intake.poll(500), other.poll(500)) if taken is not None]
    ends = [batch.ends[ZERO] for batch in batches]
    assert {end.offset for end in ends} == {7}
    assert len({end.metadata for end in ends}) == 3
    for batch, end in zip(batches, ends, strict=True):
        consumer.offsets[ZERO], consumer.notes[ZERO] = end.offset, end.metadata
        assert [intake.has_committed(asked) for asked in batches] == [asked is batch for asked in batches]


@pytest.mark.parametrize("stated", [None, b"", b"soon", b"9" * 5_000, "\u0661".encode(), b"\xff"])
def test_garbage_for_an_original_time_is_passed_over(stated: bytes | None) -> None:
    """A header that is no time leaves the record's own."""
    (read,) = batch_of(Raw(8, timestamp=1_500, headers=[("pipeline.timestamp", stated)]), is_input=False)
    assert read.timestamp_ms == 1_500


def test_on_the_input_topic_nobody_states_another_time() -> None:
    """There the header was written by somebody outside: the time is the record's."""
    (read,) = batch_of(Raw(8, timestamp=1_500, headers=[("pipeline.timestamp", b"7")]), is_input=True)
    assert read.timestamp_ms == 1_500
    assert read.headers == ()
