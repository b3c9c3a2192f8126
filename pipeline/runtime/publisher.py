"""Sending without transactions, for a source of records: in order by key, and bounded in memory."""

from __future__ import annotations

import logging
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pipeline.errors import PipelineError
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.producers import GENERATOR_DELIVERY_MS, end_producer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.runtime.outlets import Keyed, Outlet

logger = logging.getLogger(__name__)

# With 300 bytes a record, which is more than ours have, some 20 MB: a record is held back, then in a batch that waits,
# then in one that is under way, and copied from one to the next.
MAX_IN_FLIGHT: Final = 20_000
WAIT_SECONDS: Final = 0.2
# The client decides about everything within its delivery time, and what takes longer it has lost track of (ADR 2).
OVERDUE_SECONDS: Final = GENERATOR_DELIVERY_MS / 1000 + 60


class PublishingError(PipelineError):
    """Records were given up by the client: the broker refused them, or was away for longer than the delivery time."""


class _Pending(NamedTuple):
    future: Any
    records: int
    since: float


class Publisher:
    """Hands records to a producer, and no more than 20,000 at a time: the client itself bounds nothing.

    ``delivered`` counts what brokers have acknowledged, ``failed`` what the client gave up, ``in_flight`` what was
    taken and is not yet decided, ``handed_over`` what the client was given. Outcomes are taken up in the order in which
    records were handed over; the last one that failed is among the first ``failed_until``.
    """

    def __init__(self, outlet: Outlet, max_in_flight: int = MAX_IN_FLIGHT) -> None:
        self._outlet = outlet
        self._max_in_flight = max_in_flight
        self._pending: deque[_Pending] = deque()
        self.in_flight = self.delivered = self.failed = self.handed_over = self.failed_until = 0

    @property
    def room(self) -> int:
        """Return how many more records may be sent now."""
        self._collect()
        return self._max_in_flight - self.in_flight

    @property
    def decided(self) -> int:
        """Return how many of the first records that were handed over are delivered or failed, without a gap."""
        self._collect()
        return self.delivered + self.failed

    @property
    def held_back(self) -> int:
        """Return how many records were taken and never handed over, be it that the client refused them."""
        return self.in_flight + self.delivered + self.failed - self.handed_over

    def send(self, records: Sequence[Keyed], timestamp_ms: int) -> None:
        """Send records of one time, in their order; no more of them than there is room for.

        Raises:
            PublishingError: the client refuses them, since no broker told it about the topic in time.

        """
        self.in_flight += len(records)
        try:
            self._outlet.take(records, timestamp_ms)
        except KafkaError as error:
            raise self._refused(error) from error
        finally:
            self._note()
        self.push()

    def push(self, *, everything: bool = False) -> bool:
        """Hand over what was held back and may go now, or everything; return whether some is held back still.

        Raises:
            PublishingError: the client refuses it.

        """
        try:
            return self._outlet.push(everything=everything)
        except KafkaError as error:
            raise self._refused(error) from error
        finally:
            self._note()

    def wait_for_room(self) -> bool:
        """Wait a little for the oldest records to be decided; return whether there is room now.

        Raises:
            PublishingError: they are long overdue, so that there would never be any.

        """
        if self.room <= 0 and self._pending:
            oldest = self._pending[0]
            with suppress(KafkaError):  # timed out, or failed: counted where it is collected
                oldest.future.get(timeout=WAIT_SECONDS)
            if not oldest.future.is_done and time.monotonic() - oldest.since > OVERDUE_SECONDS:
                raise PublishingError(f"nobody decides about {oldest.records} records to {self._outlet.topic}")
            self.push()
        return self.room > 0

    def finish(self, seconds: float) -> None:
        """Wait for what is in flight, at most so long, and close.

        Raises:
            PublishingError: some of it failed, or is undecided still.

        """
        try:
            self.push(everything=True)
            self._outlet.producer.flush(timeout=seconds)
        except (KafkaError, PublishingError) as error:
            logger.warning("not all was delivered: %s", error)
        self._collect()
        undecided = self.in_flight
        end_producer(self._outlet.producer, 1.0)
        if self.failed or undecided:
            counts = f"{self.failed} records failed and {undecided} are undecided, beside {self.delivered} delivered"
            raise PublishingError(f"{counts} to {self._outlet.topic}")

    def _note(self) -> None:
        now = time.monotonic()
        new = [_Pending(future, count, now) for future, count in self._outlet.handed_over()]
        self._pending += new
        self.handed_over += sum(pending.records for pending in new)

    def _collect(self) -> None:
        pending = self._pending
        while pending and pending[0].future.is_done:
            future, count, _ = pending.popleft()
            self.in_flight -= count
            if future.exception is None:
                self.delivered += count
            else:
                self.failed += count
                self.failed_until = self.delivered + self.failed
                logger.warning("%d records to %s were not delivered: %s", count, self._outlet.topic, future.exception)

    def _refused(self, error: KafkaError) -> PublishingError:
        return PublishingError(f"cannot send to {self._outlet.topic}: {error}")
