"""Simulated time: it is counted in transactions, not looked up. Pure.

Between one transaction and the next pass ``scale / rate`` simulated seconds on average. So simulated time keeps the
time scale for as long as the rate is kept, and the same seed makes the same transactions to the millisecond, whatever
the machine does meanwhile; after a stall it is behind by what was left out.
"""

from __future__ import annotations

from datetime import timedelta
from math import log
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

# Gaps are random, and frauds come in bursts. What that makes it stray is corrected over so many transactions.
HORIZON: Final = 500
SLOWEST, FASTEST = 0.1, 3.0

# A multiple of seven days: the weekday is that of today.
HEAD_START: Final = timedelta(days=364)


class SimulatedClock:
    """Tells when ordinary transactions happen, in milliseconds since 1970; ``pace_ms`` is the mean gap of all."""

    def __init__(self, start_ms: int, pace_ms: float) -> None:
        self._start = start_ms
        self._pace = pace_ms
        self.now_ms = float(start_ms)

    def tick(self, made: int, drawn: float) -> int:
        """Move on to the next ordinary transaction; ``made`` are all so far, ``drawn`` is from [0, 1)."""
        behind = (self._start + made * self._pace - self.now_ms) / (HORIZON * self._pace)
        self.now_ms -= log(1.0 - drawn) * self._pace * min(FASTEST, max(SLOWEST, 1.0 + behind))
        return int(self.now_ms)


def start_of(wanted: datetime | None, now: datetime, scale: float) -> datetime:
    """Return where simulated time begins: where it was wanted, else now, or 52 weeks ago where it runs faster.

    So it is not ahead of the clock from the first day on; with a scale of 1,440 it catches up after six hours.
    """
    if wanted is not None:
        return wanted
    return now - HEAD_START if scale > 1 else now
