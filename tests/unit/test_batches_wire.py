"""The bytes of record batches: read and written as kafka-python's own records are, and never beyond the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from kafka.record.util import decode_varint, encode_varint

from pipeline.runtime.batches.reading import RawBatch, raw_records
from pipeline.runtime.batches.varints import CorruptBatchError, decoded, encoded, quickly
from pipeline.runtime.batches.writing import HEADER_BYTES, BatchBuilder, packed, packed_headers

if TYPE_CHECKING:
    from pipeline.contracts.headers import Header

NUMBERS = st.integers(-(2**63), 2**63 - 1)
TIMES = st.integers(0, 2**45)
BYTES = st.none() | st.binary(max_size=300)
HEADERS = st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=40)), max_size=3)
RECORDS = st.lists(st.tuples(TIMES, BYTES, BYTES, HEADERS), min_size=1, max_size=8)

Fields = tuple[int, bytes | None, bytes | None, list["Header"]]


def theirs(records: list[Fields], compression: int = 0) -> bytes:
    """Return a batch as kafka-python writes it."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 10**9)
    for number, (time_ms, key, value, headers) in enumerate(records):
        builder.append(number, time_ms, key, value, headers)
    return bytes(builder.build())


def raw(batch: bytes) -> RawBatch:
    """Return what kafka-python has read of a batch as ours."""
    read: Any = DefaultRecordBatch(batch)
    read._maybe_uncompress()  # noqa: SLF001 (as the batch path does)
    return RawBatch(
        bytes(read._buffer),  # noqa: SLF001
        read._pos,  # noqa: SLF001
        read.records_count,
        read.base_offset,
        read.first_timestamp,
        read.max_timestamp,
        read.timestamp_type == 1,
    )


@given(NUMBERS)
def test_numbers_are_written_and_read_as_the_client_does(number: int) -> None:
    """Both ways, at every size."""
    expected = bytearray()
    encode_varint(number, expected.append)
    assert encoded(number) == quickly(number) == bytes(expected)
    assert decoded(bytes(expected), 0) == decode_varint(bytes(expected), 0) == (number, len(expected))


@pytest.mark.parametrize(
    "broken", [b"", b"\x80", b"\xff" * 9, b"\xff" * 11, b"\x80" * 10 + b"\0", b"\xff" * 9 + b"\x7f"]
)
def test_a_number_without_an_end_is_refused(broken: bytes) -> None:
    """Neither a read past the end nor a number of any length."""
    with pytest.raises(CorruptBatchError):
        decoded(broken, 0)


@given(RECORDS, st.sampled_from([0, 1, 3, 4]), st.integers(0, 9))
def test_records_are_read_as_the_client_reads_them(records: list[Fields], compression: int, first: int) -> None:
    """Offsets, times and values, under every compression, from any offset on."""
    batch = theirs(records, compression)
    expected = [record for record in DefaultRecordBatch(batch) if record.offset >= first]
    ours = raw(batch)
    found = list(raw_records(ours, first))
    assert [record.offset for record in found] == [record.offset for record in expected]
    assert [record.timestamp_ms for record in found] == [record.timestamp for record in expected]
    values = [None if r.value < 0 else ours.buffer[r.value : r.value_end] for r in found]
    assert values == [record.value for record in expected]


@given(RECORDS)
def test_records_are_written_as_the_client_writes_them(records: list[Fields]) -> None:
    """Byte for byte, and as large as the client says."""
    builder = BatchBuilder()
    for time_ms, key, value, headers in records:
        builder.add(time_ms, packed(key) + packed(value) + packed_headers(headers))
    expected = theirs(records)
    assert builder.records() == expected[HEADER_BYTES:]
    assert (builder.size, builder.count) == (len(expected), len(records))
    assert builder.base_timestamp == records[0][0]
    assert builder.max_timestamp == max(time_ms for time_ms, *_ in records)


@given(RECORDS)
def test_what_is_copied_is_what_was_read(records: list[Fields]) -> None:
    """Key, value and headers of every record, moved to another batch as bytes, are the same records there."""
    ours = raw(theirs(records))
    builder = BatchBuilder()
    for record in raw_records(ours):
        builder.add(record.timestamp_ms, ours.buffer[record.body : record.end])
    assert builder.records() == ours.buffer[ours.at :]


@given(RECORDS, st.data())
def test_broken_bytes_are_an_error_or_other_records_and_never_a_read_past_the_end(
    records: list[Fields], data: st.DataObject
) -> None:
    """Whatever is cut off or overwritten: every place that is told lies within the buffer, in order."""
    ours = raw(theirs(records))
    buffer = bytearray(ours.buffer)
    for _ in range(data.draw(st.integers(1, 4))):
        buffer[data.draw(st.integers(ours.at, len(buffer) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(ours.at, len(buffer)))
    broken = RawBatch(
        bytes(buffer[:cut]),
        ours.at,
        data.draw(st.integers(0, 12)),
        0,
        ours.base_timestamp,
        ours.max_timestamp,
        log_append=False,
    )
    at = ours.at
    try:
        for record in raw_records(broken, -(2**63)):
            assert at <= record.body < record.headers < record.end <= cut
            assert record.value == -1 or record.body < record.value <= record.value_end == record.headers
            at = record.end
    except CorruptBatchError:
        pass


def test_the_brokers_time_is_the_time_of_every_record() -> None:
    """Where a topic says so, the deltas count for nothing."""
    ours = raw(theirs([(5, None, b"a", []), (9, None, b"b", [])]))
    stamped = RawBatch(ours.buffer, ours.at, ours.count, 100, 5, 77, log_append=True)
    assert [(record.offset, record.timestamp_ms) for record in raw_records(stamped)] == [(100, 77), (101, 77)]
