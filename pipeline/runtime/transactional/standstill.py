"""Notices a consumer that hangs: it is a member, there are records for it, and it brings none of a partition.

kafka-python 3.0.12 was seen to stop like that after a broker had crashed, in one of about two hundred crashes: no
error, no log line, heartbeats and a valid membership, and not one record until the process was started anew. A request
that could not be sent, to a broker that is not known yet, is enough: the client takes it for under way, for ever, and
asks that broker for nothing more.

Nor does it always get a place in its group: a join that was begun and not ended was seen (see ``abandoned_joins``), and
others may be possible.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kafka.structs import TopicPartition

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 10.0
# While others bring records, a partition may have to wait for its turn.
TURN_SECONDS: Final = 60.0
ANSWER_MS: Final = 1_000
# A group waits for members that are slow to join for up to five minutes, the client's ``max_poll_interval_ms``.
PLACE_SECONDS: Final = 330.0


class ConsumerHangsError(KafkaError):  # type: ignore[misc] # kafka-python has no types
    """A consumer brings nothing although there is something, or never joins its group: it has to be replaced."""


class Standstill:
    """Looks every ten seconds; what waits at the same position for ten seconds in which nothing came was not brought.

    Nor what waits there for a minute, whatever came of other partitions. Markers and aborted records are no records,
    but move the position: only the same one, below the end of what is committed, is a hang. ``clock`` tells seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: dict[TopicPartition, tuple[int, float]] = {}  # its position, and since when it is there
        self._came_at = clock()
        self._no_place_since: float | None = None
        self.moved()

    def moved(self) -> None:
        """Note that it is known why nothing may come."""
        self._due = self._clock() + LOOK_SECONDS
        self._waiting.clear()

    def has_no_place(self) -> None:
        """Call behind every poll of who is no member of the group.

        Raises:
            ConsumerHangsError: it has not been for longer than any rebalance takes.

        """
        self.moved()
        now = self._clock()
        if self._no_place_since is None:
            self._no_place_since = now
        elif now - self._no_place_since >= PLACE_SECONDS:
            since, self._no_place_since = self._no_place_since, None
            raise ConsumerHangsError(f"the consumer has had no place in its group for {now - since:.0f} s")

    def came(self) -> None:
        """Note that records came."""
        self._came_at = self._clock()

    def look(self, consumer: Any) -> None:  # noqa: ANN401 (a client without types)
        """Call behind every poll of a member of the group.

        Raises:
            ConsumerHangsError: it hangs.

        """
        self._no_place_since = None
        now = self._clock()
        if now < self._due:
            return
        self._due = now + LOOK_SECONDS
        places = sorted(consumer.assignment())
        try:
            positions = {place: consumer.position(place, timeout_ms=ANSWER_MS) for place in places}
            ends = consumer.end_offsets(places, timeout_ms=ANSWER_MS) if places else {}
        except (KafkaError, KeyError) as error:
            logger.debug("not known now whether something waits: %s", error)
            return
        before, self._waiting = self._waiting, {}
        for place, at in positions.items():
            if at is not None and at < ends[place]:
                known = before.get(place)
                self._waiting[place] = known if known is not None and known[0] == at else (at, now)
        hangs = [place for place, (_, since) in self._waiting.items() if self._too_long(now, since)]
        if hangs:
            told = ", ".join(
                f"{place.topic}:{place.partition} at {self._waiting[place][0]} of {ends[place]}, "
                f"for {now - self._waiting[place][1]:.0f} s"
                for place in hangs
            )
            raise ConsumerHangsError(f"the consumer brings nothing of {told}")

    def _too_long(self, now: float, since: float) -> bool:
        return now - since >= (TURN_SECONDS if self._came_at >= since else LOOK_SECONDS)
