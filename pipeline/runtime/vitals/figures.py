"""Figures as whoever counts them keeps them: plain numbers, which somebody may ask for in another thread."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.runtime.vitals.metrics import Metric


class Distribution:
    """How often values fell into which bucket. One thread adds, others may read."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """Take the upper bounds of all buckets but the last, in ascending order."""
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float, times: int = 1) -> None:
        """Count a value, so many times."""
        self.counts[bisect_left(self._bounds, value)] += times
        self.total += value * times

    def cumulative(self) -> list[tuple[str, float]]:
        """Return by upper bound, as text, how many values are at most that."""
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        found: list[tuple[str, float]] = []
        so_far = 0
        for bound, count in zip(bounds, list(self.counts), strict=True):
            so_far += count
            found.append((bound, so_far))
        return found


class Figure(NamedTuple):
    """One figure, of a metric of the registry; ``labels`` are in the order in which that names them."""

    metric: Metric
    value: float | Distribution
    labels: tuple[str, ...] = ()


# Is called by the thread that serves: it copies what another thread changes.
Figures = Callable[[], Iterable[Figure]]
