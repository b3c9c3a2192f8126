"""The generator's loop: takes what is due from a source and hands it to the publisher, never more than fits."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from generator.pacing import Pacer
from pipeline.contracts.moments import moment_of
from pipeline.runtime.clock import now_ms
from pipeline.runtime.publisher import MAX_IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from generator.transactions import Source
    from pipeline.runtime.lifecycle import Stop

logger = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS: Final = 0.5
# Fast rates send several at a time. Waking more often costs more than it saves: at 1,000/s a millisecond took 50 % of a
# core instead of 43 %, and records waited longer for a sender that had to share it.
SHORTEST_WAIT_SECONDS: Final = 0.002
REPORT_SECONDS: Final = 10.0
CHUNK: Final = 1_000
LEAST_IN_FLIGHT: Final = 100

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Takes(Protocol[T_contra]):
    """What a sender hands transactions to; see :class:`~pipeline.runtime.publisher.Publisher`."""

    @property
    def room(self) -> int:
        """Return how many more may be sent now."""
        ...

    @property
    def in_flight(self) -> int:
        """Return how many are not yet decided."""
        ...

    def send(self, records: Sequence[T_contra], timestamp_ms: int) -> None:
        """Send what there is room for."""
        ...

    def push(self) -> bool:
        """Hand over what was held back and may go now; return whether some is held back still."""
        ...

    def wait_for_room(self) -> bool:
        """Wait a little for room; return whether there is some now."""
        ...

    def finish(self, seconds: float) -> None:
        """Wait for what is in flight, at most so long, and close."""
        ...


def most_in_flight(per_second: float) -> int:
    """Return how many transactions may be under way at a rate: two seconds' worth, within reason.

    While the brokers are away no more are made than that: it would be work for nothing.
    """
    return min(MAX_IN_FLIGHT, max(LEAST_IN_FLIGHT, int(per_second * 2)))


class Sender(Generic[T]):
    """Sends transactions at a rate until ``count`` of them are sent, or it is stopped."""

    def __init__(
        self, source: Source[T], publisher: Takes[T], per_second: float, count: int | None, beat: Callable[[], None]
    ) -> None:
        self._source = source
        self._publisher = publisher
        self._count = count
        self._beat = beat
        self._pacer = Pacer(per_second, time.monotonic())
        self._reported_at = self._pacer.started
        self._reported_sent = self._reported_skipped = 0

    def run(self, stop: Stop) -> int:
        """Return how many were sent."""
        pacer = self._pacer
        while not stop.requested and (self._count is None or pacer.sent < self._count):
            self._beat()
            now = time.monotonic()
            self._report(now)
            wanted = pacer.due(now)
            if self._count is not None:
                wanted = min(wanted, self._count - pacer.sent)
            if not wanted:
                # What is held back goes as soon as its partition is free.
                longest = SHORTEST_WAIT_SECONDS if self._publisher.push() else LONGEST_WAIT_SECONDS
                stop.wait(min(max(pacer.seconds_until_due(now), SHORTEST_WAIT_SECONDS), longest))
            elif self._publisher.wait_for_room():
                self._send(min(wanted, self._publisher.room, CHUNK))
        self._report(time.monotonic(), last=True)
        return pacer.sent

    def _send(self, count: int) -> None:
        timestamp_ms = now_ms()
        self._publisher.send(self._source.make(moment_of(timestamp_ms), count), timestamp_ms)
        self._pacer.took(count)

    def _report(self, now: float, *, last: bool = False) -> None:
        elapsed = now - self._reported_at
        if elapsed < REPORT_SECONDS and not last:
            return
        pacer = self._pacer
        sent = pacer.sent - self._reported_sent
        skipped = pacer.skipped - self._reported_skipped
        in_flight = self._publisher.in_flight
        logger.info(
            "sent",
            extra={"transactions": sent, "per_second": round(sent / max(elapsed, 1e-3), 2), "in_flight": in_flight},
        )
        if skipped:
            logger.warning("cannot keep up with %g/s: %d transactions were left out", pacer.rate, skipped)
        self._reported_at, self._reported_sent, self._reported_skipped = now, pacer.sent, pacer.skipped
