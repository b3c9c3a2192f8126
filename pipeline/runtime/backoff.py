"""Waiting between tries: growing, bounded, and over at once when the process is to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

FIRST_SECONDS: Final = 0.25
# No longer: it is what a recovery may take once the cluster is back.
LONGEST_SECONDS: Final = 2.0

# Waits up to so many seconds, and tells whether the process is to stop.
Wait = Callable[[float], bool]


def growing_waits() -> Iterator[float]:
    """Yield seconds to wait, each twice the one before, up to two."""
    seconds = FIRST_SECONDS
    while True:
        yield seconds
        seconds = min(seconds * 2, LONGEST_SECONDS)
