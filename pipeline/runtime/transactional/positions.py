"""How far was read beyond what is committed: over the markers of transactions, and over aborted records."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kafka.structs import OffsetAndMetadata, TopicPartition

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
ANSWER_MS: Final = 200


class Positions:
    """Of partitions in which nothing came, so that they can be committed as everything else is.

    Otherwise retention would one day remove the marker behind the last record, and with it an offset that nobody has
    committed. An offset that the consumer commits by itself may be taken by a broker long after we gave up waiting, and
    undo what was committed meanwhile.
    """

    def __init__(self) -> None:
        self._known: dict[TopicPartition, int] = {}
        self._due = 0.0

    def begin(self, known: Mapping[TopicPartition, int]) -> None:
        """Begin anew, with what is committed of each partition; -1 where nothing is."""
        self._known = dict(known)

    def taken(self, ends: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        """Note what a batch is to commit. Where it is not committed after all, one begins anew."""
        self._known.update((place, end.offset) for place, end in ends.items())

    def moved(self, consumer: Any) -> dict[TopicPartition, int]:  # noqa: ANN401 (a client without types)
        """Return, once a second, those that are beyond what is committed."""
        if time.monotonic() < self._due:
            return {}
        self._due = time.monotonic() + LOOK_SECONDS
        try:
            found = {place: consumer.position(place, timeout_ms=ANSWER_MS) for place in self._known}
        except KafkaError as error:
            logger.debug("positions not known now, they will be: %s", error)
            return {}
        return {place: at for place, at in found.items() if at is not None and at > self._known[place]}
