"""Pieces of what was fetched: the same records and positions as the client's, however few are asked for at a time."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBase, DefaultRecordBatchBuilder
from kafka.record.util import calc_crc32c
from kafka.structs import TopicPartition

from pipeline.contracts.records import record_of
from pipeline.runtime.batches.consuming import _Pieces
from pipeline.runtime.batches.whole import WholeBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.contracts.records import Record

PLACE: Final = TopicPartition("input", 3)
FIRST: Final = 40
_LAST_DELTA_AT: Final = 23
_COUNT_AT: Final = 57
# Of each batch: the offsets that are still there, in steps from its first, and how many were there at the beginning.
GAPS = st.lists(st.booleans(), min_size=1, max_size=12)
PACKED = st.sampled_from([0, 1, 3, 4])


def checked(batch: bytearray) -> bytes:
    """Return a batch with the checksum of its bytes."""
    struct.pack_into(
        ">I", batch, DefaultRecordBase.CRC_OFFSET, calc_crc32c(batch[DefaultRecordBase.ATTRIBUTES_OFFSET :])
    )
    return bytes(batch)


def a_batch(first: int, there: Sequence[bool], packing: int = 0) -> bytes:
    """Return a batch whose records begin at an offset, without those that compaction has removed."""
    builder = DefaultRecordBatchBuilder(2, packing, 0, -1, -1, -1, 10**6)
    for number, kept in enumerate(there):
        if kept:
            builder.append(number, 1_000 + number, b"k", b"%d" % (first + number), [])
    batch = bytearray(builder.build())
    struct.pack_into(">q", batch, 0, first)
    struct.pack_into(">i", batch, _LAST_DELTA_AT, len(there) - 1)
    return checked(batch)


def fetched(*batches: Sequence[bool], packing: int = 0) -> bytes:
    """Return batches as they stand in a partition, one behind the other."""
    at, found = FIRST, b""
    for there in batches:
        found += a_batch(at, there, packing)
        at += len(there)
    return found


def pieces_of(data: bytes, start: int = FIRST) -> Any:
    """Return what reads whole batches."""
    return _Pieces(start, PLACE, MemoryRecords(data), isolation_level=1, is_input=True)


def taken(part: Any, room: int) -> list[Record]:
    """Return the records of the pieces that were taken; their number, ends and sizes have to be right."""
    pieces = part.take(room)
    for piece in pieces:
        records = list(piece)
        assert len(piece) == len(records) > 0
        assert piece.end > records[-1].offset
        assert piece.size() >= sum(len(record.key or b"") + len(record.value or b"") for record in records)
    assert bool(pieces) == (len(pieces) > 0)
    found = [record for piece in pieces for record in piece]
    assert len(pieces) == len(found) <= room
    return found


@given(st.lists(GAPS, min_size=1, max_size=5), PACKED, st.data())
def test_pieces_hold_what_the_client_reads(batches: list[list[bool]], packing: int, data: st.DataObject) -> None:
    """Begun in the middle of a batch, full of gaps, under any compression: no record twice, none left out."""
    present = [there for there in batches if any(there)] or [[True]]
    everything = fetched(*present, packing=packing)
    start = data.draw(st.integers(FIRST, FIRST + sum(map(len, present)) - 1))
    ours = pieces_of(everything, start)
    theirs = Fetcher.PartitionRecords(start, PLACE, MemoryRecords(everything), isolation_level=1)
    expected = [record_of(record, is_input=True) for record in theirs.take(10**6)]
    found: list[Record] = []
    positions = [start]
    while ours:
        found += taken(ours, data.draw(st.integers(1, 9)))
        positions.append(ours.next_fetch_offset)
        assert not found or ours.next_fetch_offset > found[-1].offset
        following = expected[len(found) :]
        assert not following or ours.next_fetch_offset <= following[0].offset
    assert [(one.offset, one.value, one.timestamp_ms, one.origin) for one in found] == [
        (one.offset, one.value, one.timestamp_ms, one.origin) for one in expected
    ]
    assert all(earlier <= later for earlier, later in pairwise(positions))
    assert ours.next_fetch_offset == theirs.next_fetch_offset


def test_pieces_of_a_hop_are_no_input() -> None:
    """The same consumer reads both; what entered has its own place for an origin, wanted whole or in part."""
    for room in (1, 9):
        for hops, origins in (((), {PLACE.partition}), ({PLACE.topic}, set[int]())):
            part: Any = _Pieces(
                FIRST, PLACE, MemoryRecords(fetched([True, True])), isolation_level=1, is_input=True, hops=hops
            )
            found = taken(part, room)
            assert {record.origin.partition for record in found if record.origin is not None} == origins


def test_a_batch_that_is_wanted_whole_stays_as_it_was_fetched() -> None:
    """Its records are made when somebody goes through them, and again when somebody does so again."""
    part = pieces_of(fetched([True] * 4, [True] * 3, [True] * 5))
    first, second, third = part.take(9)
    assert isinstance(first, WholeBatch)
    assert isinstance(second, WholeBatch)
    assert not isinstance(third, WholeBatch)
    assert [len(piece) for piece in (first, second, third)] == [4, 3, 2]
    assert [record.offset for record in second] == [record.offset for record in second] == [44, 45, 46]
    assert (first.end, second.end, third.end) == (44, 47, 49)


def test_what_is_asked_for_one_by_one_comes_one_by_one() -> None:
    """A batch that is too much for one transaction can be tried in parts down to a single record."""
    part = pieces_of(fetched([True] * 3))
    assert [[record.offset for record in taken(part, 1)] for _ in range(4)] == [[40], [41], [42], []]


@pytest.mark.parametrize("room", [1, 2, 4, 100])
def test_a_checksum_that_fails_is_told_behind_what_is_sound(room: int) -> None:
    """The position stays in front of the broken batch, and what was fetched is forgotten with the error."""
    data = bytearray(fetched([True] * 2, [True] * 2))
    data[-1] ^= 1
    part = pieces_of(bytes(data))
    found: list[int] = []

    def read_on() -> None:
        while part:
            found.extend(record.offset for record in taken(part, room))

    with pytest.raises(CorruptRecordError):
        read_on()
    assert (found, part.next_fetch_offset, bool(part)) == ([40, 41], 42, False)


def a_lie(count: int) -> bytes:
    """Return a batch of three records whose checksum is good and that claims to have so many."""
    batch = bytearray(a_batch(FIRST, [True] * 3))
    struct.pack_into(">i", batch, _COUNT_AT, count)
    struct.pack_into(">i", batch, _LAST_DELTA_AT, max(count, 3) - 1)
    return checked(batch)


@pytest.mark.parametrize("count", [2, 4])
def test_a_batch_that_is_not_what_it_says_fails_when_it_is_handled(count: int) -> None:
    """What was made of it before the error is sound; in parts, it is told by the poll."""
    (piece,) = pieces_of(a_lie(count)).take(100)
    made: list[int] = []
    with pytest.raises(CorruptRecordError):
        made.extend(record.offset for record in piece)
    assert made == [40, 41, 42][:count]
    part = pieces_of(a_lie(count))
    assert [record.offset for record in taken(part, 1)] == [40]
    with pytest.raises(CorruptRecordError):
        [taken(part, 1) for _ in range(3)]
    assert not part


@pytest.mark.parametrize("count", [-1, 0])
def test_a_batch_without_records_is_no_piece(count: int) -> None:
    """Compaction leaves empty batches behind; one that only claims to be empty is an error."""
    part = pieces_of(a_lie(count))
    with pytest.raises(CorruptRecordError):
        part.take(10)
    empty = pieces_of(fetched([False] * 3, [True]))
    assert [record.offset for record in taken(empty, 10)] == [43]


@pytest.mark.parametrize("room", [1, 2, 100])
@pytest.mark.parametrize("last", [-(2**31), -1, 0, 1])
def test_a_batch_that_ends_before_its_records_do_is_an_error(last: int, room: int) -> None:
    """Its end would be committed: reading would go on at records that were written already, for ever."""
    batch = bytearray(a_batch(FIRST, [True] * 3))
    struct.pack_into(">i", batch, _LAST_DELTA_AT, last)
    part = pieces_of(checked(batch))
    with pytest.raises(CorruptRecordError):
        part.take(room)
    assert not part


@pytest.mark.parametrize("packing", [0, 1])
def test_the_size_of_a_batch_is_what_it_takes_unpacked(packing: int) -> None:
    """A bound in bytes is about memory: a batch that was packed well counts in full."""
    builder = DefaultRecordBatchBuilder(2, packing, 0, -1, -1, -1, 10**6)
    for number in range(10):
        builder.append(number, 1_000, b"k", b"v" * 1_000, [])
    (piece,) = pieces_of(bytes(builder.build()), 0).take(100)
    assert 10_010 <= piece.size() < 10_500
