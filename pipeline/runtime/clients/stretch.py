"""A stretch of partitions that one consumer reads from one place to another, by position."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kafka.structs import TopicPartition

POSITION_MS: Final = 200


def read_from(consumer: Any, starts: Mapping[TopicPartition, int]) -> None:  # noqa: ANN401 (a client without types)
    """Let a consumer outside any group read these partitions from here on, and no others."""
    consumer.assign(sorted(starts))
    # One that was assigned before is as paused as the stretch before has left it.
    consumer.resume(*consumer.paused())
    for place, start in starts.items():
        consumer.seek(place, start)


class Stretch:
    """How far partitions were read between ``starts`` and ``ends``; those that are at their end are paused.

    What counts is the position: markers and aborted records take offsets and are no records.
    """

    def __init__(
        self,
        consumer: Any,  # noqa: ANN401 (a client without types)
        starts: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
    ) -> None:
        """Begin to read what there is between the two."""
        self._consumer = consumer
        self._left = {place: end for place, end in ends.items() if starts[place] < end}
        self._positions = {place: starts[place] for place in self._left}
        self._moved = time.monotonic()
        read_from(consumer, self._positions)

    @property
    def over(self) -> bool:
        """Tell whether every partition was read to its end."""
        return not self._left

    def look(self) -> None:
        """Take what positions are after a poll."""
        for place in sorted(self._left):
            position = self._consumer.position(place, timeout_ms=POSITION_MS)
            if position != self._positions[place]:
                self._positions[place], self._moved = position, time.monotonic()
            if position >= self._left[place]:
                del self._left[place]
                self._consumer.pause(place)

    def stuck(self, idle: float) -> str | None:
        """Say where it stands still, where no partition came forward for ``idle`` seconds; else None."""
        if self.over or time.monotonic() - self._moved <= idle:
            return None
        where = ", ".join(
            f"{place.topic}:{place.partition} at {self._positions[place]}" for place in sorted(self._left)
        )
        return f"nothing more could be read for {idle:g} s, short of the end: {where}"
