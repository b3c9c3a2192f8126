"""The time of a load that counts, and what processes take within it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bench.processes import Processes

NS_PER_SECOND: Final = 1_000_000_000


class Window:
    """The time that counts, in nanoseconds of the monotonic clock, and the processor time spent within it."""

    def __init__(self, processes: Processes, begin_ns: int, seconds: float) -> None:
        self._processes = processes
        self.begin_ns = begin_ns
        self.end_ns = begin_ns + int(seconds * NS_PER_SECOND)
        self._before: tuple[int, dict[str, float]] | None = None
        self._after: tuple[int, dict[str, float]] | None = None

    def look(self) -> None:
        """Note what the processes have taken, where the window has just begun or ended."""
        now = time.monotonic_ns()
        if self._before is None and now >= self.begin_ns:
            self._before = (now, self._processes.cpu_seconds())
        elif self._after is None and now >= self.end_ns:
            self._after = (now, self._processes.cpu_seconds())

    def cpu(self) -> dict[str, float]:
        """Return the share of a core that each process took, per cent."""
        if self._before is None or self._after is None:
            return {}
        (begin, before), (end, after) = self._before, self._after
        seconds = (end - begin) / NS_PER_SECOND
        return {name: round((after[name] - before[name]) / seconds * 100, 1) for name in before if name in after}
