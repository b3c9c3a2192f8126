"""Sending without transactions, for a source of records: in order by key, and bounded in memory."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import suppress
from typing import Any, Final

from pipeline.errors import PipelineError
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.producers import end_producer

logger = logging.getLogger(__name__)

MAX_IN_FLIGHT: Final = 20_000
WAIT_SECONDS: Final = 0.2


class PublishingError(PipelineError):
    """Records were given up by the client: the broker refused them, or was away for longer than the delivery time."""


class Publisher:
    """Hands records to a producer, and no more than 20,000 at a time: the client itself bounds nothing.

    ``delivered`` counts what brokers have acknowledged, ``failed`` what the client gave up.
    """

    def __init__(self, producer: Any, topic: str, max_in_flight: int = MAX_IN_FLIGHT) -> None:  # noqa: ANN401
        self._producer = producer
        self._topic = topic
        self._max_in_flight = max_in_flight
        self._pending: deque[Any] = deque()
        self.delivered = 0
        self.failed = 0

    @property
    def in_flight(self) -> int:
        """Return how many records are handed over and not yet decided."""
        return len(self._pending)

    @property
    def room(self) -> int:
        """Return how many more records may be handed over now."""
        self._collect()
        return self._max_in_flight - len(self._pending)

    def send(self, key: bytes, value: bytes, timestamp_ms: int) -> None:
        """Hand a record over; call only while there is room.

        Raises:
            PublishingError: the client refuses it, since no broker told it about the topic in time.

        """
        try:
            self._pending.append(self._producer.send(self._topic, value=value, key=key, timestamp_ms=timestamp_ms))
        except KafkaError as error:
            message = f"cannot send to {self._topic}: {error}"
            raise PublishingError(message) from error

    def wait_for_room(self) -> bool:
        """Wait a little for the oldest record to be decided; return whether there is room now."""
        if self.room <= 0:
            with suppress(KafkaError):  # timed out, or failed: counted where it is collected
                self._pending[0].get(timeout=WAIT_SECONDS)
        return self.room > 0

    def finish(self, seconds: float) -> None:
        """Wait for what is in flight, at most so long, and close.

        Raises:
            PublishingError: some of it failed, or is undecided still.

        """
        try:
            self._producer.flush(timeout=seconds)
        except KafkaError as error:
            logger.warning("not all was delivered: %s", error)
        self._collect()
        undecided = len(self._pending)
        end_producer(self._producer, 1.0)
        if self.failed or undecided:
            message = f"{self.failed} transactions failed and {undecided} are undecided, of {self.delivered} delivered"
            raise PublishingError(message)

    def _collect(self) -> None:
        pending = self._pending
        while pending and pending[0].is_done:
            error = pending.popleft().exception
            if error is None:
                self.delivered += 1
            else:
                self.failed += 1
                logger.warning("a transaction was not delivered: %s", error)
