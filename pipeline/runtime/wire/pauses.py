"""How long to wait before something is asked again: little at first, since most is over in a moment."""

from __future__ import annotations

import time
from typing import Final

FIRST_SECONDS: Final = 0.002
LONGEST_SECONDS: Final = 0.02


class Pauses:
    """Pauses until ``deadline``, a time of the monotonic clock, each twice as long as the one before."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._seconds = FIRST_SECONDS

    def wait(self) -> bool:
        """Wait a moment; return False, without waiting, where that would be too late."""
        if time.monotonic() + self._seconds >= self._deadline:
            return False
        time.sleep(self._seconds)
        self._seconds = min(2 * self._seconds, LONGEST_SECONDS)
        return True
