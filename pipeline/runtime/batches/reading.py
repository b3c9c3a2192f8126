"""The records of a batch as places in its bytes: nothing is copied, nothing built. Pure.

A record of message format 2 is: length, attributes, time and offset as deltas to those of the batch, key, value, and
headers; lengths and deltas are varints, and a length of -1 stands for null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.runtime.batches.varints import CorruptBatchError, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

NULL: Final = -1


@dataclass(frozen=True, slots=True)
class RawBatch:
    """A batch whose CRC was checked, unpacked. ``buffer`` holds ``count`` records from ``at`` on.

    Times are in milliseconds since 1970. With ``log_append`` every record has the broker's time, ``max_timestamp``.
    """

    buffer: bytes
    at: int
    count: int
    base_offset: int
    base_timestamp: int
    max_timestamp: int
    log_append: bool


class RawRecord(NamedTuple):
    """One record, as places in the buffer of its batch.

    ``body`` is where key, value and headers begin, each behind its length; ``value`` to ``value_end`` are the bytes of
    the value, and ``value`` is -1 where there is none; ``headers`` is where their number stands, ``end`` is behind all.
    """

    offset: int
    timestamp_ms: int
    body: int
    value: int
    value_end: int
    headers: int
    end: int


def raw_records(batch: RawBatch, first_offset: int = 0) -> Iterator[RawRecord]:
    """Yield the records from ``first_offset`` on: a fetch may begin in the middle of a batch.

    Headers are not looked into.

    Raises:
        CorruptBatchError: the bytes are not what their lengths say. What was yielded before is sound.

    """
    buffer, at = batch.buffer, batch.at
    for number in range(batch.count):
        length, begin = decoded(buffer, at)
        end = begin + length
        if length < 1 or end > len(buffer):
            raise CorruptBatchError(f"record {number} of {batch.count} claims {length} bytes at byte {at}")
        time_delta, place = decoded(buffer, begin + 1)
        offset_delta, body = decoded(buffer, place)
        key_length, place = decoded(buffer, body)
        value_length, value = decoded(buffer, place + max(0, key_length))
        headers = value + max(0, value_length)
        if key_length < NULL or value_length < NULL or headers >= end:
            raise CorruptBatchError(f"key and value of record {number} of {batch.count} leave their record")
        at = end
        offset = batch.base_offset + offset_delta
        if offset >= first_offset:
            time_ms = batch.max_timestamp if batch.log_append else batch.base_timestamp + time_delta
            yield RawRecord(offset, time_ms, body, NULL if value_length < 0 else value, headers, headers, end)
