"""How much one transaction takes: little where little comes, so that it is quick; much where much waits. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Nothing is known yet of how large records are and how long they take.
FIRST: Final = 500


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The most that one transaction may take: records, their bytes, and the seconds to handle them.

    Records are counted; bytes and seconds are expected of the next batch by what the last one took.
    """

    records: int
    bytes: int
    seconds: float


class BatchSize:
    """Says how many records to ask for. What was asked for and came doubles the next, up to the limits."""

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self.records = min(FIRST, limits.records)

    def committed(self, records: int, mean_bytes: float, seconds: float) -> None:
        """Learn from a batch of so many records, of so many bytes each, that took so long to handle."""
        if not records:
            return
        if records >= self.records:
            self.records *= 2
        fits: float = min(self.records, self._limits.records)
        if mean_bytes:
            fits = min(fits, self._limits.bytes / mean_bytes)
        if seconds:
            fits = min(fits, self._limits.seconds / seconds * records)
        self.records = max(1, int(fits))

    def failed(self, records: int) -> None:
        """Learn from a batch that failed: perhaps it was too much. Half of it, until it fits."""
        if records:
            self.records = max(1, records // 2)
