"""Accounts: who they are, what they are used to, and how active they are. Pure.

An account is made when it is met first: a large population costs nothing before it is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from generator.drawing import accounts
from generator.scenarios.merchants import in_shops, online
from generator.scenarios.places import CITIES

if TYPE_CHECKING:
    from random import Random

DAY_MS: Final = 86_400_000
WAGE_EVERY_MS: Final = 7 * DAY_MS
RENT_EVERY_MS: Final = 30 * DAY_MS

A_DAY_EACH: Final = 4.0  # transactions of an account, on average
LEAST_ACCOUNTS: Final = 500
MOST_ACCOUNTS: Final = 200_000  # some 100 MB

# The account of rank r pays as often as r to the power of minus a third: the first ones of 1,500 some 45 times a day,
# the last ones not quite three times. Ranks are drawn as a uniform number to the power of three halves.
ACTIVITY: Final = 1.5

# Log-normal spread of anything, as a table of factors: exp(sigma * factor) costs less than a draw, and has no far tail.
NORMAL: Final = tuple(NormalDist().inv_cdf((2 * step + 1) / 8192) for step in range(4096))

TYPICAL: Final = 20.0  # median of what accounts typically pay for a purchase, in the currency's units
TYPICAL_SPREAD: Final = 0.4
LEAST_WAGE, MOST_WAGE = 250, 700  # a week
LEAST_RENT, MOST_RENT = 300, 750  # a month
ACCOUNTS_OF_AN_EMPLOYER: Final = 25
ACCOUNTS_OF_A_MERCHANT: Final = 20
LEAST_MERCHANTS: Final = 8  # in a city
LEAST_ONLINE: Final = 50


@dataclass(slots=True)
class Account:
    """A person's account. Moments are simulated, in milliseconds since 1970; money is in minor units.

    ``typical`` is the median of its purchases, ``salt`` which merchants and counterparts are its usual ones, ``city``
    where it is now and ``card_ms`` when it last paid there, ``quiet_ms`` until when it makes nothing of itself,
    ``rested_ms`` from when on it may be a victim again. ``bought`` and ``spent`` sum its purchases up, but for those
    that are far from the others; ``steady_ms`` is from when on there was none of these for a month.
    """

    name: bytes
    device: bytes
    home: int
    typical: float
    salt: int
    wage: int
    rent: int
    wage_due_ms: int
    rent_due_ms: int
    city: int
    back_ms: int = 0
    card_ms: int = 0
    quiet_ms: int = 0
    rested_ms: int = 0
    steady_ms: int = 0
    bought: int = 0
    spent: int = 0


class Population:
    """So many accounts, some of them much more active than others, with the merchants and employers they need.

    ``unit`` is the number of minor units in one of the currency. Each account makes about as many transactions a day as
    ``a_day / size``.
    """

    def __init__(self, chance: Random, unit: int, a_day: float) -> None:
        self._chance = chance
        self._unit = unit
        self.size = size = int(min(MOST_ACCOUNTS, max(LEAST_ACCOUNTS, a_day / A_DAY_EACH)))
        self._met: list[Account | None] = [None] * size
        in_city = max(LEAST_MERCHANTS, size // len(CITIES) // ACCOUNTS_OF_A_MERCHANT)
        self.shops = [in_shops(chance, city, in_city) for city in CITIES]
        self.online = online(chance, max(LEAST_ONLINE, size // ACCOUNTS_OF_A_MERCHANT))
        self.payers = accounts(chance, 1 + size // ACCOUNTS_OF_AN_EMPLOYER)  # of wages, and takers of rents

    def pick(self, now_ms: int) -> Account:
        """Return an account, the active ones more often."""
        rank = int(self.size * self._chance.random() ** ACTIVITY)
        return self._met[rank] or self.at(rank, now_ms)

    def at(self, rank: int, now_ms: int) -> Account:
        """Return the account of a rank, 0 for the most active one."""
        found = self._met[rank]
        if found is None:
            found = self._met[rank] = self.newcomer(now_ms)
        return found

    def newcomer(self, now_ms: int) -> Account:
        """Return an account that is in nobody's rank: it makes nothing of itself."""
        random = self._chance.random
        name, device = accounts(self._chance, 2)
        home = int(random() * len(CITIES))
        return Account(
            name=name,
            device=device,
            home=home,
            typical=self._unit * TYPICAL * exp(TYPICAL_SPREAD * NORMAL[int(random() * len(NORMAL))]),
            salt=int(random() * (1 << 30)),
            wage=int((LEAST_WAGE + random() * (MOST_WAGE - LEAST_WAGE)) * self._unit),
            rent=int(LEAST_RENT + random() * (MOST_RENT - LEAST_RENT)) * self._unit,
            wage_due_ms=now_ms + int(random() * WAGE_EVERY_MS),
            rent_due_ms=now_ms + int(random() * RENT_EVERY_MS),
            city=home,
        )
