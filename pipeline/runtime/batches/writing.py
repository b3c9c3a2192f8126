"""Builds the records of a batch, most of them from bytes that were read and are copied as they are. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.runtime.batches.varints import encoded, quickly

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.contracts.headers import Header

ATTRIBUTES: Final = b"\0"  # of a record: none are in use
NULL: Final = encoded(-1)
HEADER_BYTES: Final = 61  # of a batch, before its records


def packed_headers(headers: Iterable[Header]) -> bytes:
    """Return headers as they stand at the end of a record, their number first."""
    parts = []
    for name, value in headers:
        encoded_name = name.encode()
        parts += [quickly(len(encoded_name)), encoded_name, packed(value)]
    return quickly(len(parts) // 3) + b"".join(parts)


def packed(content: bytes | None) -> bytes:
    """Return a key or a value as it stands in a record, its length first."""
    return NULL if content is None else quickly(len(content)) + content


class BatchBuilder:
    """Records for one partition, added in their order. ``size`` is what the batch takes on the wire, in bytes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.count = 0
        self.size = HEADER_BYTES
        self.base_timestamp = self.max_timestamp = 0

    def add(self, timestamp_ms: int, body: bytes) -> None:
        """Add a record: ``body`` is its packed key, value and headers."""
        if not self.count:
            self.base_timestamp = self.max_timestamp = timestamp_ms
        elif timestamp_ms > self.max_timestamp:
            self.max_timestamp = timestamp_ms
        inner = ATTRIBUTES + quickly(timestamp_ms - self.base_timestamp) + quickly(self.count) + body
        record = quickly(len(inner)) + inner
        self._parts.append(record)
        self.count += 1
        self.size += len(record)

    def records(self) -> bytes:
        """Return all records, one behind the other."""
        return b"".join(self._parts)
