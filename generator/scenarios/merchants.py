"""Merchants: what they sell, where they are, and what of it stands in a message. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from generator.drawing import accounts

if TYPE_CHECKING:
    from random import Random

    from generator.scenarios.places import City

# What a purchase costs, as a multiple of what the account typically pays.
IN_SHOPS: Final = (
    ("groceries", 1.0),
    ("groceries", 1.1),
    ("restaurant", 0.9),
    ("cafe", 0.6),
    ("fuel", 1.5),
    ("pharmacy", 0.7),
    ("clothing", 1.7),
    ("transport", 0.6),
)
ONLINE: Final = (("electronics", 1.8), ("books", 0.8), ("media", 0.6), ("clothing", 1.6), ("food_delivery", 1.0))

WITHIN_DEGREES: Final = 0.15  # of the city's middle


class Merchant(NamedTuple):
    """Takes payments on the account ``name``. ``tail`` is what a card payment there ends with, in JSON."""

    name: bytes
    category: bytes
    factor: float
    tail: bytes


def in_shops(chance: Random, city: City, count: int) -> list[Merchant]:
    """Return so many merchants of a city."""
    return [_shop(chance, city, name) for name in accounts(chance, count)]


def online(chance: Random, count: int) -> list[Merchant]:
    """Return so many merchants that are nowhere; who pays them adds what a message ends with."""
    return [
        Merchant(name, category.encode(), factor, b"")
        for name in accounts(chance, count)
        for category, factor in (chance.choice(ONLINE),)
    ]


def _shop(chance: Random, city: City, name: bytes) -> Merchant:
    category, factor = chance.choice(IN_SHOPS)
    north = city.latitude + chance.uniform(-WITHIN_DEGREES, WITHIN_DEGREES)
    east = city.longitude + chance.uniform(-WITHIN_DEGREES, WITHIN_DEGREES)
    tail = (
        f',"channel":"card_present","country":"{city.country}","latitude":{north:.4f},"longitude":{east:.4f}'
        f',"merchant_category":"{category}"}}'
    )
    return Merchant(name, category.encode(), factor, tail.encode())
