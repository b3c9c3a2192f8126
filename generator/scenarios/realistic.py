"""The realistic scenario as one stream: what people do and the frauds among it, by simulated time. Pure."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count, islice
from typing import TYPE_CHECKING, Final

from generator.drawing import ids
from generator.scenarios.cases import Cases
from generator.scenarios.clock import SimulatedClock
from generator.scenarios.drafts import Draft, Labelled, Writer
from generator.scenarios.frauds import USUAL_CASES, Frauds
from generator.scenarios.habits import Habits
from generator.scenarios.population import DAY_MS, Population
from generator.scenarios.sleepers import Sleepers
from generator.transactions import BLOCK
from pipeline.contracts.moments import milliseconds_of
from pipeline.contracts.money import decimals_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from random import Random

# What a population can be made up for, in transactions of a simulated time. With fewer, no fifty accounts would pay
# within a day; with more, accounts would pay ten times a minute by themselves.
LEAST_A_DAY: Final = 1_000
MOST_A_SECOND: Final = 100


class RealisticSource:
    """Transfers of a population, and their labels, from ``start`` on.

    ``pace_seconds`` of simulated time pass from one transaction to the next, on average, and in 10,000 of them begin so
    many ``cases`` of fraud. Everything follows from these and the source of chance, times included.
    """

    def __init__(
        self, chance: Random, currency: str, start: datetime, pace_seconds: float, cases: int = USUAL_CASES
    ) -> None:
        decimals = decimals_of(currency)
        unit, pace_ms = 10**decimals, pace_seconds * 1000
        self._chance = chance
        self._start_ms = milliseconds_of(start)
        self._clock = SimulatedClock(self._start_ms, pace_ms)
        population = Population(chance, unit, DAY_MS / pace_ms)
        self._habits = Habits(chance, population, unit)
        self._sleepers = Sleepers(population, self._habits)
        self._frauds = Frauds(chance, Cases(chance, population, self._habits, self._sleepers, unit), cases)
        self._writer = Writer(currency, decimals)
        self._made = self._write()

    def make(self, moment: datetime, count: int) -> list[Labelled]:  # noqa: ARG002 (it has a time of its own)
        """Return the next transactions, whatever the moment."""
        return list(islice(self._made, count))

    def _write(self) -> Iterator[Labelled]:
        drafts, write = self._drafts(), self._writer.write
        while True:
            for transaction_id in ids(self._chance, BLOCK):
                yield write(next(drafts), transaction_id)

    def _drafts(self) -> Iterator[Draft]:
        """Yield drafts in the order in which they are sent."""
        yield from self._sleepers.history(self._start_ms)
        habits, frauds, clock, random = self._habits, self._frauds, self._clock, self._chance.random
        waiting: list[tuple[int, int, Draft]] = []
        numbers, made = count(), 0
        while True:
            now_ms = clock.tick(made, random())
            while waiting and waiting[0][0] <= now_ms:
                made += 1
                yield heappop(waiting)[2]
            draft = habits.next(now_ms)
            for step in frauds.begin(made, now_ms):
                heappush(waiting, (step.sent_ms, next(numbers), step))
            if draft.sent_ms > now_ms:
                heappush(waiting, (draft.sent_ms, next(numbers), draft))
            else:
                made += 1
                yield draft
