"""What becomes of a batch that was handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kafka.structs import TopicPartition


class Stands(NamedTuple):
    """Where the first record of a batch stands."""

    offset: int


class Delivery:
    """A batch under way. Once ``is_done``, it has either a ``value``, where it stands, or an ``exception``."""

    __slots__ = ("batch", "exception", "is_done", "place", "value")

    def __init__(self, place: TopicPartition, batch: bytearray) -> None:
        self.place = place
        self.batch = batch
        self.is_done = False
        self.value: Stands | None = None
        self.exception: Exception | None = None

    def delivered(self, offset: int) -> None:
        """Note that it was taken."""
        self.is_done, self.value, self.batch = True, Stands(offset), bytearray()

    def failed(self, error: Exception) -> None:
        """Note that it was not, or that nobody knows."""
        self.is_done, self.exception, self.batch = True, error, bytearray()
