"""Builds the records of a batch, most of them from bytes that were read and are copied as they are. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts.headers import ENTERED_KEY, ORIGIN, SO_FAR
from pipeline.runtime.batches.varints import NULL, SMALL, encoded, quickly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.contracts.coordinates import Coordinates
    from pipeline.contracts.headers import Header

HEADER_BYTES: Final = 61  # of a batch, before its records

_ORIGIN: Final = quickly(len(ORIGIN.name)) + ORIGIN.name.encode()
_ORIGIN_ALONE: Final = quickly(1) + _ORIGIN
_ORIGIN_BETWEEN: Final = quickly(2) + _ORIGIN
_ORIGIN_OF_THREE: Final = quickly(3) + _ORIGIN
_SO_FAR: Final = quickly(len(SO_FAR.name)) + SO_FAR.name.encode()
_ENTERED_KEY: Final = quickly(len(ENTERED_KEY.name)) + ENTERED_KEY.name.encode()
_NO_HEADERS: Final = quickly(0)
_NULL: Final = encoded(NULL)
_TABLE: Final = len(SMALL)


def packed_headers(headers: Sequence[Header]) -> bytes:
    """Return headers as they stand at the end of a record, their number first. One without a value gets an empty one.

    Kafka allows it, the client's own ``send`` does not; records are the same whichever way they went.
    """
    parts = [quickly(len(headers))]
    for name, value in headers:
        parts += (_ORIGIN if name == ORIGIN.name else packed(name.encode()), packed(value or b""))
    return b"".join(parts)


def packed_origin(origin: Coordinates) -> bytes:
    """Return the headers of a record that carries nothing but its origin."""
    written = b"%d:%d" % origin
    return _ORIGIN_ALONE + SMALL[len(written)] + written


def packed_between(origin: Coordinates, so_far: bytes | None, key: bytes | None) -> bytes:
    """Return the headers of a record between two stages that carries nothing else; ``key`` is that it entered with."""
    written = b"%d:%d" % origin
    told = SMALL[len(written)] + written + _SO_FAR + packed(so_far or b"")
    return _ORIGIN_BETWEEN + told if key is None else _ORIGIN_OF_THREE + told + _ENTERED_KEY + packed(key)


def packed(content: bytes | None) -> bytes:
    """Return a key or a value as it stands in a record, its length first."""
    return _NULL if content is None else quickly(len(content)) + content


def packed_plain(key: bytes, value: bytes) -> bytes:
    """Return a record's key, value and headers, of which it has none, as they stand in it."""
    key_size, value_size = len(key), len(value)
    if key_size < _TABLE and value_size < _TABLE:  # nearly all; two calls of ``packed`` take twice as long
        return SMALL[key_size] + key + SMALL[value_size] + value + _NO_HEADERS
    return packed(key) + packed(value) + _NO_HEADERS


class BatchBuilder:
    """Records for one partition, added in their order.

    ``size`` is what the batch takes on the wire, in bytes; it stays within ``limit``, unless one record takes more.
    """

    __slots__ = ("_limit", "_parts", "base_timestamp", "count", "max_timestamp", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self.count = 0
        self.size = HEADER_BYTES
        self.base_timestamp = self.max_timestamp = 0

    def add(self, timestamp_ms: int, body: bytes) -> bool:
        """Add a record, or return False where there is no room. ``body`` is its packed key, value and headers."""
        number = self.count
        if not number:
            self.base_timestamp = self.max_timestamp = timestamp_ms
        delta = timestamp_ms - self.base_timestamp
        time = SMALL[delta] if 0 <= delta < _TABLE else encoded(delta)
        offset = SMALL[number] if number < _TABLE else encoded(number)
        inner = 1 + len(time) + len(offset) + len(body)
        length = SMALL[inner] if inner < _TABLE else encoded(inner)
        size = self.size + len(length) + inner
        if size > self._limit and number:
            return False
        self._parts += (length, b"\0", time, offset, body)  # the zero is the attributes: none are in use
        self.size = size
        self.count = number + 1
        if timestamp_ms > self.max_timestamp:  # noqa: PLR1730 (a call for each record)
            self.max_timestamp = timestamp_ms
        return True

    def records(self) -> bytes:
        """Return all records, one behind the other."""
        return b"".join(self._parts)


class Lane:
    """The way of records to one partition: into one batch after the other, each handed over when it is full.

    ``limit`` is the most bytes of a batch, ``widest`` the most that the body of a record may have to go untouched.
    """

    __slots__ = ("_builder", "_hand_over", "_limit", "widest")

    def __init__(self, limit: int, widest: int, hand_over: Callable[[BatchBuilder], None]) -> None:
        self._limit = limit
        self.widest = widest
        self._hand_over = hand_over
        self._builder = BatchBuilder(limit)

    def add(self, timestamp_ms: int, body: bytes) -> None:
        """Add a record; ``body`` is its packed key, value and headers.

        Raises:
            KafkaError: a batch was full, and the client does not take it.

        """
        if not self._builder.add(timestamp_ms, body):
            self._hand_over(self._builder)
            self._builder = BatchBuilder(self._limit)
            self._builder.add(timestamp_ms, body)

    def take(self) -> BatchBuilder | None:
        """Return the batch that is not full yet, and begin anew; None where nothing waits."""
        rest, self._builder = self._builder, BatchBuilder(self._limit)
        return rest if rest.count else None
