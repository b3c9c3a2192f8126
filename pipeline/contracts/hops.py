"""A record on its way through several stages: what it takes along, and how it becomes again what entered. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from pipeline.contracts import headers

if TYPE_CHECKING:
    from pipeline.contracts.headers import Header
    from pipeline.contracts.records import Record


def kept_key(record: Record) -> tuple[Header, ...]:
    """Return the header that keeps the key with which a record entered; none where it had none."""
    return () if record.key is None else ((headers.ENTERED_KEY.name, record.key),)


def entered(record: Record, topic: str) -> Record:
    """Return a record of a hop as it stood in the input, which is called ``topic``: its key, its place, its headers.

    One without an origin was written by somebody outside. It stays as it is.
    """
    if record.origin is None:
        return record
    return replace(
        record,
        topic=topic,
        partition=record.origin.partition,
        offset=record.origin.offset,
        key=headers.find(record.headers, headers.ENTERED_KEY),
        headers=headers.foreign(record.headers),
        body=None,
    )
