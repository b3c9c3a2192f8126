"""Accounts that lie dormant until somebody else takes them over. Pure.

The stream opens with their history: one purchase each, 60 to 28 days before it begins. So there is something to wake
from its first day on, however short it is.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from generator.scenarios.kinds import LONGEST_SLEEP_DAYS, SLEEP_DAYS, SLEEPERS
from generator.scenarios.population import DAY_MS

if TYPE_CHECKING:
    from generator.scenarios.drafts import Draft
    from generator.scenarios.habits import Habits
    from generator.scenarios.population import Account, Population


class Sleepers:
    """Those who sleep, the longest asleep first. One that is woken leaves a successor, who falls asleep then."""

    def __init__(self, population: Population, habits: Habits) -> None:
        self._population = population
        self._habits = habits
        self._asleep: deque[tuple[int, Account]] = deque()

    def history(self, start_ms: int) -> list[Draft]:
        """Return what was there before the stream began, in order."""
        first, last = start_ms - LONGEST_SLEEP_DAYS * DAY_MS, start_ms - SLEEP_DAYS * DAY_MS
        return [self.fall_asleep(first + (last - first) * number // SLEEPERS) for number in range(SLEEPERS)]

    def fall_asleep(self, now_ms: int) -> Draft:
        """Return the last purchase of an account that nobody will hear of for weeks."""
        account = self._population.newcomer(now_ms)
        self._asleep.append((now_ms, account))
        return self._habits.card(account, now_ms, self._habits.shop(account))

    def wake(self, now_ms: int) -> Account | None:
        """Return the account that slept longest, or None where none has slept for long enough."""
        if not self._asleep or now_ms - self._asleep[0][0] < SLEEP_DAYS * DAY_MS:
            return None
        return self._asleep.popleft()[1]
