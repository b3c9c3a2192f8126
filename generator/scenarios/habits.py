"""What people do by themselves: shopping at home and on journeys, wages, rents, paying friends. Pure."""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING, Final

from generator.drawing import accounts
from generator.labels import Mark
from generator.scenarios.drafts import Draft
from generator.scenarios.kinds import KNOWN_AFTER_DAYS, USUAL_DAYS, Kind
from generator.scenarios.places import CITIES, travel_ms
from generator.scenarios.population import DAY_MS, NORMAL, RENT_EVERY_MS, WAGE_EVERY_MS
from generator.scenarios.rhythm import Rhythm

if TYPE_CHECKING:
    from random import Random

    from generator.scenarios.merchants import Merchant
    from generator.scenarios.population import Account, Population

# Of what is neither a wage nor a rent; the rest goes to friends and family.
IN_SHOPS: Final = 0.65
ONLINE: Final = 0.27
USUAL: Final = 0.8  # of purchases go to the account's few usual merchants, and of gifts to its usual friends
USUAL_MERCHANTS: Final = 6
FRIENDS: Final = 4

AMOUNT_SPREAD: Final = 0.45  # sigma of log-normal amounts, beside the merchant's factor
LEAST_AMOUNT: Final = 1.0

JOURNEYS: Final = 0.004  # of purchases in shops begin one
SHORTEST_JOURNEY, LONGEST_JOURNEY = 2 * DAY_MS, 7 * DAY_MS

# Terminals that were offline for a while: the payment is sent later than it happened.
LATE: Final = 0.005
SHORTEST_DELAY_MS, LONGEST_DELAY_MS = 30_000, 600_000

# A car, a kitchen: legitimate, and as large as a fraud. Labelled, since whoever was asked has said so.
LARGE: Final = 0.0001
LEAST_LARGE, MOST_LARGE = 900, 3000


class Habits:
    """Makes ordinary transactions, one after the other."""

    def __init__(self, chance: Random, population: Population, unit: int) -> None:
        self._chance = chance
        self._random = chance.random
        self._population = population
        self._unit = unit
        self._rhythm = Rhythm(CITIES)

    def next(self, now_ms: int) -> Draft:
        """Return what somebody does at a moment who is awake then."""
        random, pick, awake = self._random, self._population.pick, self._rhythm.awake(now_ms)
        while True:
            account = pick(now_ms)
            if random() < awake[account.home] and now_ms >= account.quiet_ms:
                break
        if now_ms >= account.wage_due_ms:
            account.wage_due_ms = now_ms + WAGE_EVERY_MS
            return self._wage(account, now_ms)
        if now_ms >= account.rent_due_ms:
            account.rent_due_ms = now_ms + RENT_EVERY_MS
            return self.transfer(account, now_ms, self._payer(account, 1), account.rent)
        drawn = random()
        if drawn < IN_SHOPS:
            return self._in_shop(account, now_ms)
        if drawn < IN_SHOPS + ONLINE:
            return self._online(account, now_ms)
        return self.transfer(account, now_ms, self._friend(account, now_ms).name, self._amount(account, 1.0))

    def card(self, account: Account, now_ms: int, shop: Merchant) -> Draft:
        """Return a purchase where somebody holds a card into a machine; it is where the account is from now on."""
        amount = self._amount(account, shop.factor)
        account.card_ms = now_ms
        account.bought += 1
        account.spent += amount
        return Draft(now_ms, now_ms, account.name, shop.name, amount, shop.tail)

    def purchase(
        self, account: Account, now_ms: int, shop: Merchant, amount: int, device: bytes | None = None
    ) -> Draft:
        """Return a purchase online, from the account's device or another."""
        account.bought += 1
        account.spent += amount
        return self._bought_online(account, now_ms, shop, amount, device or account.device)

    def extreme(self, account: Account, now_ms: int, shop: Merchant, amount: int, device: bytes | None = None) -> Draft:
        """Return a purchase online that says nothing about what the account usually pays."""
        account.steady_ms = now_ms + USUAL_DAYS * DAY_MS
        return self._bought_online(account, now_ms, shop, amount, device or account.device)

    @staticmethod
    def _bought_online(account: Account, now_ms: int, shop: Merchant, amount: int, device: bytes) -> Draft:
        tail = b',"channel":"online","country":"%b","device":"%b","merchant_category":"%b"}' % (
            CITIES[account.city].country.encode(),
            device,
            shop.category,
        )
        return Draft(now_ms, now_ms, account.name, shop.name, amount, tail)

    def transfer(self, account: Account, now_ms: int, target: bytes, amount: int, device: bytes | None = None) -> Draft:
        """Return a transfer to another account, from the account's device or another."""
        tail = b',"channel":"transfer","country":"%b","device":"%b"}' % (
            CITIES[account.city].country.encode(),
            device or account.device,
        )
        return Draft(now_ms, now_ms, account.name, target, amount, tail)

    def shop(self, account: Account) -> Merchant:
        """Return where the account buys in the city where it is: at home mostly where it always does."""
        shops = self._population.shops[account.city]
        if account.city == account.home and self._random() < USUAL:
            return shops[(account.salt + int(self._random() * USUAL_MERCHANTS)) % len(shops)]
        return shops[int(self._random() * len(shops))]

    def _in_shop(self, account: Account, now_ms: int) -> Draft:
        if (account.back_ms or self._random() < JOURNEYS) and not self._travelled(account, now_ms):
            return self._online(account, now_ms)
        draft = self.card(account, now_ms, self.shop(account))
        if self._random() < LATE:
            delay_ms = SHORTEST_DELAY_MS + int(self._random() * (LONGEST_DELAY_MS - SHORTEST_DELAY_MS))
            return draft._replace(sent_ms=now_ms + delay_ms)
        return draft

    def _travelled(self, account: Account, now_ms: int) -> bool:
        """Let the account leave, stay or come back; return whether it is where it can have come to by now."""
        if account.back_ms > now_ms:
            return True
        city = account.home if account.back_ms else int(self._random() * len(CITIES))
        if now_ms - account.card_ms < travel_ms(CITIES[account.city], CITIES[city]):
            return False  # still on the way: what it buys meanwhile, it buys online
        away_ms = SHORTEST_JOURNEY + int(self._random() * (LONGEST_JOURNEY - SHORTEST_JOURNEY))
        account.city, account.back_ms = city, 0 if city == account.home else now_ms + away_ms
        return True

    def _online(self, account: Account, now_ms: int) -> Draft:
        shops, drawn = self._population.online, self._random()
        at = account.salt + int(drawn * USUAL_MERCHANTS) if self._random() < USUAL else int(drawn * len(shops))
        shop = shops[at % len(shops)]
        if self._random() < LARGE / ONLINE:
            return self._large(account, now_ms, shop)
        return self.purchase(account, now_ms, shop, self._amount(account, shop.factor))

    def _large(self, account: Account, now_ms: int, shop: Merchant) -> Draft:
        amount = int((LEAST_LARGE + self._random() * (MOST_LARGE - LEAST_LARGE)) * self._unit)
        first, last = KNOWN_AFTER_DAYS[Kind.LARGE_AMOUNT]
        known_ms = now_ms + int((first + self._random() * (last - first)) * DAY_MS)
        case = accounts(self._chance, 1)[0].decode()
        mark = Mark(Kind.LARGE_AMOUNT, fraud=False, decisive=True, case=case, known_ms=known_ms)
        return self.extreme(account, now_ms, shop, amount)._replace(mark=mark)

    def _wage(self, account: Account, now_ms: int) -> Draft:
        tail = b',"channel":"transfer","country":"%b"}' % CITIES[account.home].country.encode()
        return Draft(now_ms, now_ms, self._payer(account, 0), account.name, account.wage, tail)

    def _payer(self, account: Account, which: int) -> bytes:
        payers = self._population.payers
        return payers[(account.salt + which) % len(payers)]

    def _friend(self, account: Account, now_ms: int) -> Account:
        if self._random() < USUAL:
            rank = (account.salt + int(self._random() * FRIENDS)) % self._population.size
            return self._population.at(rank, now_ms)
        return self._population.pick(now_ms)

    def _amount(self, account: Account, factor: float) -> int:
        spread = exp(AMOUNT_SPREAD * NORMAL[int(self._random() * len(NORMAL))])
        return max(int(LEAST_AMOUNT * self._unit), int(account.typical * factor * spread))
