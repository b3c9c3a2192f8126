"""What passes through a handler: a record that was read, and what is to be written because of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.contracts import headers
from pipeline.contracts.coordinates import Coordinates
from pipeline.contracts.headers import Header

if TYPE_CHECKING:
    from pipeline.contracts.topics import Topic


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record as it was read.

    ``origin`` is where its transaction entered the pipeline; on the input topic, the record's own place.
    ``timestamp_ms`` is the record's time in milliseconds since 1970 UTC, -1 where it has none: the original one, also
    where the broker would have refused it and it travels in a header. ``body`` is key and value as they stood in
    their batch, each behind its length, for who can copy them; None where that was not kept.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    origin: Coordinates | None
    body: bytes | None = None

    @property
    def place(self) -> Coordinates:
        """Where the record stands in the topic it was read from."""
        return Coordinates(self.partition, self.offset)


def record_of(raw: Any, *, is_input: bool) -> Record:  # noqa: ANN401 (a record of whatever client)
    """Return a client's record as ours; ``is_input``: it was read where transactions enter.

    There it is its own origin, and headers of our names, which somebody outside has written, stay behind.
    """
    place = Coordinates(raw.partition, raw.offset)
    return Record(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        timestamp_ms=raw.timestamp if is_input else headers.original_time(raw.headers, raw.timestamp),
        key=raw.key,
        value=raw.value,
        headers=headers.foreign(raw.headers) if is_input else tuple(raw.headers),
        origin=place if is_input else headers.coordinates_in(raw.headers, headers.ORIGIN),
    )


class Outgoing:
    """A record to write because of the one at hand, with its key, time and origin, to one topic of the registry.

    Without a ``value`` the bytes that were read pass on as they are. ``headers`` come after those that travel. To a hop
    it goes by another ``key``, which decides about its partition, and the one with which it entered is kept beside it.
    With neither headers nor a key it is ``plain``: it carries on what was read, and its origin.
    """

    __slots__ = ("headers", "key", "plain", "topic", "value")

    def __init__(
        self, topic: Topic, value: bytes | None = None, headers: tuple[Header, ...] = (), key: bytes | None = None
    ) -> None:
        self.topic = topic
        self.value = value
        self.headers = headers
        self.key = key
        self.plain = key is None and not headers

    def __repr__(self) -> str:
        """Name the topic and whether the value is new."""
        what = "as it is" if self.value is None else f"{len(self.value)} new bytes"
        return f"Outgoing({self.topic.key}, {what}, headers={self.headers})"
