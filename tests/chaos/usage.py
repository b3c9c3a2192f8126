"""What a process takes of the machine."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor time in seconds, the moment it was read, and memory in MiB. Of a span: its length, and its end's."""

    cpu_seconds: float
    seconds: float
    rss_mib: float

    @classmethod
    def of(cls, pid: int) -> Usage:
        """Return what a process has taken since its start."""
        process = psutil.Process(pid)
        spent = process.cpu_times()
        return cls(spent.user + spent.system, time.monotonic(), process.memory_info().rss / 2**20)

    def since(self, before: Usage) -> Usage:
        """Return what was taken between two moments."""
        return Usage(self.cpu_seconds - before.cpu_seconds, self.seconds - before.seconds, self.rss_mib)

    @property
    def cpu_percent(self) -> float:
        """Return the share of one core, of a span."""
        return 100 * self.cpu_seconds / self.seconds
