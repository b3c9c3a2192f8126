"""The day's rhythm: how awake each city is at a moment. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts.moments import moment_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.scenarios.places import City

# How much of what is paid in the busiest hour is paid in each hour of the local day, from midnight on.
BY_HOUR: Final = (
    0.10, 0.06, 0.04, 0.04, 0.05, 0.10, 0.25, 0.50, 0.70, 0.75, 0.80, 0.90,
    1.00, 0.95, 0.80, 0.80, 0.85, 1.00, 1.00, 0.90, 0.70, 0.50, 0.35, 0.20,
)  # fmt: skip
STEP_MS: Final = 1_800_000  # no time zone of ours begins its hours at another minute than 0 or 30


class Rhythm:
    """Knows how awake cities are; it looks at the time zones once in half an hour of simulated time."""

    def __init__(self, cities: Sequence[City]) -> None:
        self._cities = cities
        self._step = -1
        self._awake: list[float] = []

    def awake(self, now_ms: int) -> list[float]:
        """Return by city, in their order, how much of the busiest hour's activity there is, from 0 to 1."""
        step = now_ms // STEP_MS
        if step != self._step:
            moment = moment_of(step * STEP_MS)
            self._step = step
            self._awake = [BY_HOUR[moment.astimezone(city.zone).hour] for city in self._cities]
        return self._awake
