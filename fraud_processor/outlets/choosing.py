"""Which outlets there are, as ``ALERT_URLS`` names them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from fraud_processor.cases.subject import SEVERITIES
from fraud_processor.outlets.people import PeopleOutlet
from fraud_processor.outlets.signed import PREFIX, SignedOutlet

if TYPE_CHECKING:
    from fraud_processor.outlets.outlet import Outlet

_FLOOR: Final = re.compile(rf"({'|'.join(SEVERITIES)})=(.+)")


class Address(NamedTuple):
    """A URL, and how bad a case has to be: the place of the least severity among all."""

    url: str
    floor: int


class Chosen(NamedTuple):
    """An outlet, and how bad a case has to be for it."""

    outlet: Outlet
    floor: int


def addresses(value: str) -> tuple[Address, ...]:
    """Accept URLs with blanks between them, each maybe behind the least severity and ``=``.

    Raises:
        ValueError: one of them cannot be used; which one is told by its number, since URLs hold passwords.

    """
    found = []
    for number, word in enumerate(value.split(), 1):
        floored = _FLOOR.fullmatch(word)
        url = floored[2] if floored else word
        try:
            _outlet(url, b"")
        except ValueError as error:
            message = f"{error} (number {number} is not)"
            raise ValueError(message) from None
        found.append(Address(url, SEVERITIES.index(floored[1]) if floored else 0))
    return tuple(found)


def outlets(chosen: tuple[Address, ...], key: bytes) -> list[Chosen]:
    """Return the outlets; ``key`` signs messages to programs."""
    return [Chosen(_outlet(url, key), floor) for url, floor in chosen]


def is_signed(address: Address) -> bool:
    """Tell whether messages there are signed."""
    return address.url.startswith(PREFIX)


def _outlet(url: str, key: bytes) -> Outlet:
    return SignedOutlet(url.removeprefix(PREFIX), key) if url.startswith(PREFIX) else PeopleOutlet(url)
