"""Lets the client read records whose header names are no UTF-8.

Brokers accept such names. The client's decoder raises on one, and its consumer never gets past that record again: one
record would stop a partition for ever. With this, bytes that are no UTF-8 come out as escapes.
"""

from __future__ import annotations

from typing import Any, Final

from kafka.record.default_records import DefaultRecordBatch

_read_strictly: Final = DefaultRecordBatch._read_msg  # noqa: SLF001 (there is no other seam)


class _LenientBytes(bytes):
    """Bytes whose slices decode whatever they are."""

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 (an index or a slice)
        part = super().__getitem__(key)
        return _LenientBytes(part) if isinstance(part, bytes) else part

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 (what this is about)
        return super().decode(encoding, "backslashreplace")


def _read_leniently(batch: Any) -> Any:  # noqa: ANN401 (no types)
    try:
        return _read_strictly(batch)
    except UnicodeDecodeError:
        # The position moves only behind a record that was read whole, so it can be read again.
        batch._buffer = _LenientBytes(batch._buffer)  # noqa: SLF001
        return _read_strictly(batch)


def install() -> None:
    """Make every consumer of this process read leniently; doing so again changes nothing."""
    DefaultRecordBatch._read_msg = _read_leniently  # noqa: SLF001
