"""Notices a consumer that hangs: it is a member, there are records for it, and it brings none.

kafka-python 3.0.12 was seen to stop like that after a broker had crashed, in one of about two hundred crashes: no
error, no log line, heartbeats and a valid membership, and not one record until the process was started anew.
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
ANSWER_MS: Final = 1_000


class ConsumerHangsError(KafkaError):  # type: ignore[misc] # kafka-python has no types
    """A consumer brings nothing although there is something: it has to be replaced."""


class Standstill:
    """Looks every ten seconds in which nothing came; what it finds waiting twice in a row was not brought.

    Markers and aborted records are no records, but move the position: only the same position, twice below the end of
    what is committed, is a hang. ``clock`` tells seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: dict[TopicPartition, int] = {}
        self.moved()

    def moved(self) -> None:
        """Note that records came, or that it is known why none may."""
        self._due = self._clock() + LOOK_SECONDS
        self._waiting.clear()

    def look(self, consumer: Any) -> None:  # noqa: ANN401 (a client without types)
        """Call where a poll brought nothing, to a member of the group.

        Raises:
            ConsumerHangsError: it hangs.

        """
        if self._clock() < self._due:
            return
        self._due = self._clock() + LOOK_SECONDS
        places = sorted(consumer.assignment())
        try:
            positions = {place: consumer.position(place, timeout_ms=ANSWER_MS) for place in places}
            ends = consumer.end_offsets(places, timeout_ms=ANSWER_MS) if places else {}
        except (KafkaError, KeyError) as error:
            logger.debug("not known now whether something waits: %s", error)
            return
        waiting = {place: at for place, at in positions.items() if at is not None and at < ends[place]}
        hangs = [place for place, at in waiting.items() if self._waiting.get(place) == at]
        self._waiting = waiting
        if hangs:
            told = ", ".join(f"{place.topic}:{place.partition} at {waiting[place]} of {ends[place]}" for place in hangs)
            raise ConsumerHangsError(f"the consumer brought nothing for {LOOK_SECONDS:g} s of {told}")
