"""The bytes of record batches: read and written as kafka-python's own records are, and never beyond the end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from kafka.record.util import decode_varint, encode_varint

from pipeline.contracts import headers
from pipeline.contracts.records import record_of
from pipeline.runtime.batches.reading import RawBatch, records_in
from pipeline.runtime.batches.varints import CorruptBatchError, decoded, encoded, quickly
from pipeline.runtime.batches.writing import HEADER_BYTES, BatchBuilder, packed, packed_headers
from pipeline.runtime.clients import header_names

if TYPE_CHECKING:
    from pipeline.contracts.headers import Header
    from pipeline.contracts.records import Record

NUMBERS = st.integers(-(2**63), 2**63 - 1)
TIMES = st.integers(0, 2**45)
BYTES = st.none() | st.binary(max_size=300)
NAMES = st.text(max_size=20) | st.sampled_from([kind.name for kind in headers.ALL])
# As it is between two stages, and nearly so: lengths of a byte and of two, a name in the place of another.
BETWEEN = st.tuples(
    st.tuples(st.just("pipeline.origin"), st.sampled_from([b"3:41", b"0:0", b"", b"x" * 63, b"x" * 64])),
    st.tuples(st.sampled_from(["pipeline.so-far", "pipeline.hits"]), st.binary(max_size=80)),
    st.tuples(st.sampled_from(["pipeline.key", "pipeline.kex"]), st.binary(max_size=80)),
)
HEADERS = st.lists(
    st.tuples(NAMES, st.binary(max_size=80) | st.sampled_from([b"3:41", b"17"])), max_size=3
) | st.builds(lambda between, count: list(between[:count]), BETWEEN, st.integers(1, 3))
RECORDS = st.lists(st.tuples(TIMES, BYTES, BYTES, HEADERS), min_size=1, max_size=8)

Fields = tuple[int, bytes | None, bytes | None, list["Header"]]


def theirs(records: list[Fields], compression: int = 0) -> bytes:
    """Return a batch as kafka-python writes it."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 10**9)
    for number, (time_ms, key, value, own) in enumerate(records):
        builder.append(number, time_ms, key, value, own)
    return bytes(builder.build())


def client(batch: bytes) -> Any:
    """Return a batch as kafka-python reads it."""
    return DefaultRecordBatch(batch)


def raw(batch: bytes) -> RawBatch:
    """Return what kafka-python has read of a batch as ours."""
    read = client(batch)
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


def one_by_one(batch: bytes, *, is_input: bool) -> list[Record]:
    """Return the records of a batch as the way through the client's public functions makes them."""
    found = [SimpleNamespace(**fields(record), topic="t", partition=2) for record in client(batch)]
    return [record_of(record, is_input=is_input) for record in found]


def fields(record: Any) -> dict[str, Any]:
    """Return what is ours of a record of the client."""
    return {name: getattr(record, name) for name in ("offset", "timestamp", "key", "value", "headers")}


def without_body(record: Record) -> Record:
    """Return a record without the bytes that only one of the ways keeps."""
    return msgspec.structs.replace(record, body=None)


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


@given(RECORDS, st.sampled_from([0, 1, 3, 4]), st.booleans())
def test_records_are_read_as_the_client_reads_them(records: list[Fields], compression: int, is_input: bool) -> None:  # noqa: FBT001 (drawn)
    """Every field, under every compression, on the input topic and behind it."""
    batch = theirs(records, compression)
    found = list(records_in(raw(batch), "t", 2, is_input=is_input))
    assert [without_body(record) for record in found] == one_by_one(batch, is_input=is_input)


@given(RECORDS)
def test_records_are_written_as_the_client_writes_them(records: list[Fields]) -> None:
    """Byte for byte, and as large as the client says."""
    builder = BatchBuilder(10**9)
    for time_ms, key, value, own in records:
        builder.add(time_ms, packed(key) + packed(value) + packed_headers(own))
    expected = theirs(records)
    assert builder.records() == expected[HEADER_BYTES:]
    assert (builder.size, builder.count) == (len(expected), len(records))
    assert builder.base_timestamp == records[0][0]
    assert builder.max_timestamp == max(time_ms for time_ms, *_ in records)


@given(RECORDS)
def test_what_is_copied_is_what_was_read(records: list[Fields]) -> None:
    """Key and value of every record, moved to another batch as bytes, are the same records there."""
    batch = theirs(records)
    builder = BatchBuilder(10**9)
    for record in records_in(raw(batch), "t", 0, is_input=False):
        assert record.body is not None
        builder.add(record.timestamp_ms, record.body + packed_headers(record.headers))
    if not any(name == headers.TIMESTAMP.name for *_, own in records for name, _ in own):
        assert builder.records() == batch[HEADER_BYTES:]


@given(BETWEEN, st.integers(0, 255), st.integers(2, 3))
def test_headers_between_stages_are_as_many_as_is_said(between: tuple[Header, ...], count: int, there: int) -> None:
    """Whatever number stands before them: it is that of those that are there, or the batch is broken."""
    own = list(between[:there])
    batch = bytearray(theirs([(0, b"k", b"v", own)]))
    batch[len(batch) - len(packed_headers(own))] = count
    try:
        (found,) = records_in(raw(bytes(batch)), "t", 2, is_input=False)
    except CorruptBatchError:
        assert count != 2 * there
    else:
        assert count == 2 * there
        assert list(found.headers) == own


@given(RECORDS, st.data())
def test_broken_bytes_are_an_error_or_what_the_client_makes_of_them(records: list[Fields], data: st.DataObject) -> None:
    """Whatever is cut off or overwritten: never a record that the client would not read, nor another error."""
    batch = bytearray(theirs(records))
    for _ in range(data.draw(st.integers(1, 4))):
        batch[data.draw(st.integers(HEADER_BYTES, len(batch) - 1))] = data.draw(st.integers(0, 255))
    broken = bytes(batch[: data.draw(st.integers(HEADER_BYTES, len(batch)))])
    try:
        found = [without_body(record) for record in records_in(raw(broken), "t", 2, is_input=True)]
    except CorruptBatchError:
        return
    assert found == one_by_one(broken, is_input=True)


@given(st.binary(max_size=200), st.integers(-2, 2**31 - 1))
def test_any_bytes_end_in_records_or_in_an_error(buffer: bytes, count: int) -> None:
    """However many records are claimed: neither a hang nor any other error."""
    batch = RawBatch(buffer, 0, count, 0, 0, 0, log_append=False)
    found = 0
    try:
        for record in records_in(batch, "t", 0, is_input=False):
            assert len(record.body or b"") <= len(buffer)
            found += 1
    except CorruptBatchError:
        assert found < max(1, count)
    else:
        assert found == max(0, count)


def test_the_brokers_time_is_the_time_of_every_record() -> None:
    """Where a topic says so, the deltas count for nothing."""
    ours = raw(theirs([(5, None, b"a", []), (9, None, b"b", [])]))
    stamped = RawBatch(ours.buffer, ours.at, ours.count, 100, 5, 77, log_append=True)
    found = records_in(stamped, "t", 0, is_input=True)
    assert [(record.offset, record.timestamp_ms) for record in found] == [(100, 77), (101, 77)]


def test_a_header_name_that_is_no_text_is_read_with_escapes() -> None:
    """As the client does, once it was taught to (see ``header_names``)."""
    header_names.install()
    batch = theirs([(5, b"k", b"v", [("name", b"x")])]).replace(b"name", b"n\xffm\xfe")
    (found,) = records_in(raw(batch), "t", 2, is_input=True)
    assert found.headers == (("n\\xffm\\xfe", b"x"),)
    assert [without_body(found)] == one_by_one(batch, is_input=True)
