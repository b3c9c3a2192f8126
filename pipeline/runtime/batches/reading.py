"""The records of a batch, made from its bytes in one pass. Pure.

A record of message format 2 is: length, attributes, time and offset as deltas to those of the batch, key, value, and
headers; lengths and deltas are varints, and a length of -1 stands for null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.contracts import headers
from pipeline.contracts.coordinates import Coordinates
from pipeline.contracts.records import Record
from pipeline.runtime.batches.heads import COMPILED, HEAD, head_at
from pipeline.runtime.batches.varints import MORE, NULL, NUMBERS, CorruptBatchError, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.contracts.headers import Header

_new_tuple: Final = tuple.__new__
_match: Final = HEAD.match
_number_of: Final = NUMBERS.get
_NAMES: Final = {kind.name.encode(): kind.name for kind in headers.ALL}
_name_of: Final = _NAMES.get
# One header of this name; its size and its bytes are all that is behind.
_ORIGIN: Final = bytes([2 * len(headers.ORIGIN.name)]) + headers.ORIGIN.name.encode()
_ORIGIN_ALONE: Final = b"\x02" + _ORIGIN
_ORIGIN_BEGINS: Final = len(_ORIGIN_ALONE) + 1
_ONE_BYTE: Final = 64  # from here on a length takes more
# What stands between two stages: the origin, what was found so far, and the key with which it entered, if any.
_SO_FAR: Final = bytes([2 * len(headers.SO_FAR.name)]) + headers.SO_FAR.name.encode()
_ENTERED_KEY: Final = bytes([2 * len(headers.ENTERED_KEY.name)]) + headers.ENTERED_KEY.name.encode()
_WITHOUT_KEY, _WITH_KEY = 4, 6  # their number, as it is written


@dataclass(slots=True)
class RawBatch:
    """A batch whose CRC was checked, unpacked. ``buffer`` holds ``count`` records from ``at`` to its end.

    Times are in milliseconds since 1970. With ``log_append`` every record has the broker's time, ``max_timestamp``.
    """

    buffer: bytes
    at: int
    count: int
    base_offset: int
    base_timestamp: int
    max_timestamp: int
    log_append: bool


def records_in(batch: RawBatch, topic: str, partition: int, *, is_input: bool) -> Iterator[Record]:
    """Yield the records as :func:`~pipeline.contracts.records.record_of` makes them, and with ``body``.

    Raises:
        CorruptBatchError: the bytes are not what their lengths say. What was yielded before is sound.

    """
    buffer, at, size = batch.buffer, batch.at, len(batch.buffer)
    base_offset, base_timestamp = batch.base_offset, batch.base_timestamp
    broker_time = batch.max_timestamp if batch.log_append else None
    end: int
    time_delta: int
    offset_delta: int
    key_size: int
    value_size: int
    for _ in range(batch.count):
        if COMPILED:
            end, time_delta, offset_delta, begin, key_size, at = head_at(buffer, at)
        else:  # written out: a call for each record is a thirtieth of what a detector does with it
            head = _match(buffer, at)
            if head is None:
                raise CorruptBatchError(f"no record begins at byte {at} of {size}")
            length, time, written_offset, key_length = head.groups()
            time_delta, offset_delta, key_size = NUMBERS[time], NUMBERS[written_offset], NUMBERS[key_length]
            end = at + len(length) + NUMBERS[length]
            at = head.end()
            begin = at - len(key_length)
        key = value = None
        if key_size >= 0:
            key = buffer[at : at + key_size]
            at += key_size
        if not at < end <= size:
            raise CorruptBatchError(f"a record ends at byte {end} of {size}, its key at {at}")
        # Two bytes of length, 64 to 8,191, are what nearly all have.
        two = None if COMPILED else _number_of(buffer[at : at + 2])
        value_size, at = decoded(buffer, at) if two is None else (two, at + 2)
        if value_size >= 0:
            value = buffer[at : at + value_size]
            at += value_size
        if at >= end or key_size < NULL or value_size < NULL:
            raise CorruptBatchError(f"key and value of {key_size} and {value_size} bytes in a record up to byte {end}")
        body = buffer[begin:at]
        carried = () if end - at == 1 and not buffer[at] else _headers(buffer, at, end)
        at = end
        offset = base_offset + offset_delta
        timestamp_ms = base_timestamp + time_delta if broker_time is None else broker_time
        if is_input:
            origin: Coordinates | None = _new_tuple(Coordinates, (partition, offset))
            carried = headers.foreign(carried) if carried else carried
        else:
            origin, timestamp_ms = headers.entered_by(carried, timestamp_ms)
        yield Record(topic, partition, offset, timestamp_ms, key, value, carried, origin, body)
    if at != size:
        raise CorruptBatchError(f"{size - at} bytes behind the last of {batch.count} records")


def _headers(buffer: bytes, at: int, end: int) -> tuple[Header, ...]:
    """Read the headers of a record. Bytes of a name that are no UTF-8 come out as escapes (see ``header_names``)."""
    begin = at + _ORIGIN_BEGINS
    # As between our services, nearly always.
    if buffer.startswith(_ORIGIN_ALONE, at) and 0 <= end - begin < _ONE_BYTE and buffer[begin - 1] == 2 * (end - begin):
        return ((headers.ORIGIN.name, buffer[begin:end]),)
    if begin <= end and buffer.startswith(_ORIGIN, at + 1):
        between = _between(buffer, begin, end, buffer[at])
        if between is not None:
            return between
    found = []
    count, at = decoded(buffer, at)
    for _ in range(count):
        size, at = _length_at(buffer, at, end)
        if size < 0 or at + size >= end:
            raise CorruptBatchError(f"a header name of {size} bytes in a record up to byte {end}")
        written, at = buffer[at : at + size], at + size
        name = _name_of(written) or written.decode(errors="backslashreplace")
        size, at = _length_at(buffer, at, end)
        if size < NULL or at + size > end:
            raise CorruptBatchError(f"a header of {size} bytes in a record up to byte {end}")
        found.append((name, None if size < 0 else buffer[at : at + size]))
        at += max(0, size)
    if count < 0 or at != end:
        raise CorruptBatchError(f"{count} headers end at byte {at}, their record at {end}")
    return tuple(found)


def _between(buffer: bytes, at: int, end: int, count: int) -> tuple[Header, ...] | None:
    """Read the headers of a record between two stages, whose origin begins at ``at``; None where it has others.

    A length that takes more than a byte is among those others.
    """
    size = buffer[at - 1]
    told = at + (size >> 1)
    begin = told + len(_SO_FAR) + 1
    if size & 1 or size >= MORE or begin > end or not buffer.startswith(_SO_FAR, told):
        return None
    size = buffer[begin - 1]
    behind = begin + (size >> 1)
    if size & 1 or size >= MORE or behind > end:
        return None
    origin = (headers.ORIGIN.name, buffer[at:told])
    so_far = (headers.SO_FAR.name, buffer[begin:behind])
    if behind == end and count == _WITHOUT_KEY:
        return (origin, so_far)
    key = behind + len(_ENTERED_KEY) + 1
    if key > end or count != _WITH_KEY or not buffer.startswith(_ENTERED_KEY, behind):
        return None
    size = buffer[key - 1]
    if size & 1 or size >= MORE or key + (size >> 1) != end:
        return None
    return (origin, so_far, (headers.ENTERED_KEY.name, buffer[key:end]))


def _length_at(buffer: bytes, at: int, end: int) -> tuple[int, int]:
    if at < end:
        byte = buffer[at]
        if byte < MORE:  # as nearly all
            return (byte >> 1) ^ -(byte & 1), at + 1
    return decoded(buffer, at)
