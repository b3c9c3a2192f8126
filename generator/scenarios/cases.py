"""How a fraud of each kind is done: the transactions of one case, from a moment on. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from generator.drawing import accounts
from generator.scenarios import kinds
from generator.scenarios.kinds import Kind
from generator.scenarios.places import CITIES, distance_km
from generator.scenarios.population import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from generator.scenarios.drafts import Draft
    from generator.scenarios.habits import Habits
    from generator.scenarios.merchants import Merchant
    from generator.scenarios.population import Account, Population
    from generator.scenarios.sleepers import Sleepers

TRIES: Final = 50
REST_MS: Final = 3 * DAY_MS  # of a victim between two cases
QUIET_MS: Final = 65 * kinds.MINUTE_MS  # of the holder of a copied card: the condition looks back for an hour
BURST_AMOUNTS: Final = (5, 50)
LEAST_TEST: Final = 0.5
ON_THEIR_WAY: Final = 2  # purchases of one account that terminals have not sent yet, at most: three at once is too rare


class Step(NamedTuple):
    """A transaction of a case: fraud or not, and whether the condition of its kind holds at it."""

    draft: Draft
    decisive: bool
    fraud: bool = True


class Cases:
    """Makes cases. Each method returns the steps of one in order, or None where nobody fits who could be its victim."""

    def __init__(self, chance: Random, population: Population, habits: Habits, sleepers: Sleepers, unit: int) -> None:
        self._chance = chance
        self._population = population
        self._habits = habits
        self._sleepers = sleepers
        self._unit = unit
        self.of: dict[Kind, Callable[[int], list[Step] | None]] = {
            Kind.LARGE_AMOUNT: self._large_amount,
            Kind.VELOCITY: self._velocity,
            Kind.FAN_IN: self._fan_in,
            Kind.STRUCTURING: self._structuring,
            Kind.TEST_THEN_DRAIN: self._test_then_drain,
            Kind.DORMANT_ACCOUNT: self._dormant_account,
            Kind.IMPOSSIBLE_TRAVEL: self._impossible_travel,
            Kind.UNUSUAL_AMOUNT: self._unusual_amount,
        }

    def _large_amount(self, now_ms: int) -> list[Step] | None:
        victim = self._victim(now_ms)
        if victim is None:
            return None
        amount = self._between(kinds.LEAST_LARGE, kinds.MOST_LARGE)
        return [Step(self._habits.extreme(victim, now_ms, self._online(), amount, self._name()), decisive=True)]

    def _velocity(self, now_ms: int) -> list[Step] | None:
        victim = self._victim(now_ms)
        if victim is None:
            return None
        device, count = self._name(), kinds.MANY + self._chance.randint(2, 10)
        moments = sorted(now_ms + int(self._chance.random() * kinds.BURST_MS) for _ in range(count))
        return [
            Step(
                self._habits.purchase(victim, moment, self._online(), self._between(*BURST_AMOUNTS), device),
                decisive=number > kinds.MANY,
            )
            for number, moment in enumerate(moments, 1)
        ]

    def _fan_in(self, now_ms: int) -> list[Step] | None:
        count, target = kinds.FEWEST_SOURCES + self._chance.randint(0, 6), self._name()
        amount = kinds.ROUND * self._chance.randint(1, kinds.MOST_ROUNDS) * self._unit
        sources: dict[bytes, Account] = {}
        while len(sources) < count:
            account = self._population.pick(now_ms)
            sources[account.name] = account
        moments = self._moments(now_ms, count, kinds.FAN_IN_MS)
        return [
            Step(self._habits.transfer(account, moment, target, amount), decisive=number >= kinds.FEWEST_SOURCES)
            for number, (account, moment) in enumerate(zip(sources.values(), moments, strict=True), 1)
        ]

    def _structuring(self, now_ms: int) -> list[Step] | None:
        victim = self._victim(now_ms)
        if victim is None:
            return None
        target, count = self._name(), kinds.SLICES + self._chance.randint(0, 2)
        return [
            Step(
                self._habits.transfer(victim, moment, target, self._between(kinds.JUST_BELOW, kinds.LIMIT)),
                decisive=number >= kinds.SLICES,
            )
            for number, moment in enumerate(self._moments(now_ms, count, kinds.STRUCTURING_MS), 1)
        ]

    def _test_then_drain(self, now_ms: int) -> list[Step] | None:
        victim = self._victim(now_ms)
        if victim is None:
            return None
        device, drained_ms = self._name(), now_ms + self._drawn(*kinds.DRAIN_AFTER_MS)
        test, drain = self._between(LEAST_TEST, kinds.TEST), self._between(kinds.DRAIN, kinds.BELOW_OTHERS)
        return [
            Step(self._habits.purchase(victim, now_ms, self._online(), test, device), decisive=False),
            Step(self._habits.transfer(victim, drained_ms, self._name(), drain, device), decisive=True),
        ]

    def _dormant_account(self, now_ms: int) -> list[Step] | None:
        victim = self._sleepers.wake(now_ms)
        if victim is None:
            return None
        amount = self._between(kinds.WAKING, kinds.BELOW_OTHERS)
        woken = self._habits.transfer(victim, now_ms, self._name(), amount, self._name())
        # Who falls asleep now is no part of it, and comes with it so that there are always some.
        return [Step(woken, decisive=True), Step(self._sleepers.fall_asleep(now_ms), decisive=False, fraud=False)]

    def _impossible_travel(self, now_ms: int) -> list[Step] | None:
        victim = self._victim(now_ms)
        if victim is None:
            return None
        here = CITIES[victim.city]
        far = [
            number
            for number, city in enumerate(CITIES)
            if city.country != here.country and distance_km(here, city) >= kinds.FARAWAY_KM
        ]
        shops = self._population.shops[self._chance.choice(far)]
        copied_ms = now_ms + self._drawn(*kinds.TRAVEL_MS)
        genuine = self._habits.card(victim, now_ms, self._habits.shop(victim))
        copied = self._habits.card(victim, copied_ms, self._chance.choice(shops))
        victim.card_ms, victim.quiet_ms = now_ms, copied_ms + QUIET_MS  # its holder has not moved
        return [Step(genuine, decisive=False, fraud=False), Step(copied, decisive=True)]

    def _unusual_amount(self, now_ms: int) -> list[Step] | None:
        most = kinds.BELOW_OTHERS / kinds.MOST_TIMES * self._unit

        def fits(one: Account) -> bool:
            enough = one.bought >= kinds.SEASONED + ON_THEIR_WAY and now_ms >= one.steady_ms
            return enough and one.spent < most * one.bought

        victim = self._victim(now_ms, fits)
        if victim is None:
            return None
        times = self._chance.uniform(kinds.LEAST_TIMES, kinds.MOST_TIMES)
        amount = int(times * victim.spent / victim.bought)
        return [Step(self._habits.extreme(victim, now_ms, self._online(), amount, self._name()), decisive=True)]

    def _victim(self, now_ms: int, fits: Callable[[Account], bool] = lambda _: True) -> Account | None:
        """Return somebody who is active and was no victim lately."""
        for _ in range(TRIES):
            account = self._population.pick(now_ms)
            if now_ms >= max(account.rested_ms, account.quiet_ms) and fits(account):
                account.rested_ms = now_ms + REST_MS
                return account
        return None

    def _moments(self, now_ms: int, count: int, bounds: tuple[int, int]) -> list[int]:
        """Return so many moments in order, the first one now, the last one at most at the end of what is drawn."""
        within = self._drawn(*bounds)
        return [now_ms, *sorted(now_ms + int(self._chance.random() * within) for _ in range(count - 1))]

    def _between(self, least: float, most: float) -> int:
        """Return an amount in minor units, from so many units of the currency up to, not including, so many."""
        return self._drawn(int(least * self._unit), int(most * self._unit))

    def _drawn(self, least: int, most: int) -> int:
        return least + int(self._chance.random() * (most - least))

    def _online(self) -> Merchant:
        return self._chance.choice(self._population.online)

    def _name(self) -> bytes:
        return accounts(self._chance, 1)[0]
