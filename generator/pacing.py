"""When to send: an open-loop schedule, which does not slow down because sending does. Pure: time is handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LONGEST_CATCH_UP_SECONDS: Final = 5.0


@dataclass(slots=True)
class Pacer:
    """Says how many transactions are due, so that the average holds.

    After a stall all that was missed is due at once, up to five seconds' worth (and at least one); what lies further
    back is dropped from the schedule and counted in ``skipped``.
    """

    rate: float
    started: float
    sent: int = 0
    skipped: int = 0

    def due(self, now: float) -> int:
        """Return how many transactions should have been sent by ``now`` and were not; times are in seconds."""
        scheduled = int((now - self.started) * self.rate) + 1
        behind = scheduled - self.sent - self.skipped
        bound = max(1, int(self.rate * LONGEST_CATCH_UP_SECONDS))
        if behind > bound:
            self.skipped += behind - bound
            behind = bound
        return max(0, behind)

    def took(self, count: int) -> None:
        """Note that so many were sent."""
        self.sent += count

    def seconds_until_due(self, now: float) -> float:
        """Return how long to wait until the next one is due, 0 when it is already."""
        next_at = self.started + (self.sent + self.skipped) / self.rate
        return max(0.0, next_at - now)
