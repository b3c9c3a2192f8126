"""Transactions as a population makes them: a few accounts pay often, most seldom, and each has its habits."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.contracts.messages import Transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED: Final = 20_261_123
BEGIN: Final = datetime(2026, 10, 1, tzinfo=UTC)
DAYS: Final = 14
NIGHT_SECONDS: Final = 6 * 3_600
COUNTRIES: Final = {
    "DE": (52.5, 13.4),
    "FR": (48.9, 2.4),
    "PL": (52.2, 21.0),
    "BR": (-23.5, -46.6),
    "US": (40.7, -74.0),
}
MERCHANTS: Final = 4_000  # the greatest tenth of them get a third of all payments
LATE_SHARE: Final = 0.01
ABROAD_SHARE: Final = 0.01
TO_HABITUAL_SHARE: Final = 0.9
IN_EUROS_SHARE: Final = 0.95
NEW_DEVICE_SHARE: Final = 0.02


class Habits(NamedTuple):
    """How an account pays: amounts about ``usual``, mostly to a few targets."""

    source: str
    usual: float
    country: str
    targets: tuple[str, ...]


def population(accounts: int, draw: random.Random) -> list[Habits]:
    """Return accounts, each with habits."""
    homes = list(COUNTRIES)
    return [
        Habits(
            f"account-{number}",
            draw.lognormvariate(3.5, 0.9),
            draw.choices(homes, (70, 12, 12, 1, 5))[0],
            tuple(f"merchant-{int(MERCHANTS * draw.random() ** 2)}" for _ in range(6)),
        )
        for number in range(accounts)
    ]


def stream(count: int, accounts: int) -> Iterator[Transaction]:
    """Return so many transactions of two weeks, nearly in the order of time; the same ones every time."""
    draw = random.Random(SEED)  # noqa: S311 (made-up money)
    everyone = population(accounts, draw)
    # How often they pay differs by the hundred, as it does among people and shops.
    weights = list(accumulate(draw.lognormvariate(0, 1.3) for _ in everyone))
    seconds = sorted(_second(draw) for _ in range(count))
    for number, second in enumerate(seconds):
        payer = draw.choices(everyone, cum_weights=weights)[0]
        time = BEGIN + timedelta(seconds=second)
        if draw.random() < LATE_SHARE:
            time -= timedelta(seconds=draw.uniform(0, 600))
        country = draw.choice(list(COUNTRIES)) if draw.random() < ABROAD_SHARE else payer.country
        lat, lon = COUNTRIES[country]
        cents = max(1, round(100 * payer.usual * draw.lognormvariate(0, 0.6)))
        habitual = draw.random() < TO_HABITUAL_SHARE
        yield Transaction(
            id=f"id-{number}",
            source=payer.source,
            target=draw.choice(payer.targets) if habitual else f"account-{draw.randrange(accounts)}",
            amount=Decimal(cents).scaleb(-2),
            currency="EUR" if draw.random() < IN_EUROS_SHARE else "USD",
            timestamp=time,
            method="TRANSFER",
            attributes={
                "country": country,
                "lat": Decimal(str(lat)),
                "lon": Decimal(str(lon)),
                "device": "new" if draw.random() < NEW_DEVICE_SHARE else "phone",
            },
        )


def _second(draw: random.Random) -> float:
    """Return a moment of the two weeks; at night a third as much happens as by day."""
    while True:
        second = draw.uniform(0, DAYS * 86_400)
        if second % 86_400 >= NIGHT_SECONDS or draw.random() < 1 / 3:
            return second
