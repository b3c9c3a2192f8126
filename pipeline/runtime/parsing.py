"""Parsers for the text of environment variables. Each raises ValueError with what it would have accepted."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.contracts.money import MAX_INTEGER_DIGITS, is_currency
from pipeline.contracts.topics import DEAD_LETTER_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_NUMBER = re.compile(r"[0-9]{1,40}(\.[0-9]{1,20})?")
_RATE = re.compile(_NUMBER.pattern + r"([eE][+-]?[0-9]{1,3})?")
_US_PER = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]+")
_MAX_TOPIC_NAME = 249 - len(DEAD_LETTER_SUFFIX)
_MAX_PORT = 65535
_FIRST_YEAR, _LAST_YEAR = 1971, 9000

MOST = 10_000_000


def text(value: str) -> str:
    """Take the text as it is."""
    return value


def choice(*options: str) -> Callable[[str], str]:
    """Accept one of the options, in any case."""
    by_folded = {option.casefold(): option for option in options}

    def parse(value: str) -> str:
        if value.casefold() not in by_folded:
            raise ValueError("one of " + ", ".join(options))
        return by_folded[value.casefold()]

    return parse


def whole_number(minimum: int, maximum: int) -> Callable[[str], int]:
    """Accept a decimal integer within bounds, both included."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", value) or not minimum <= int(value) <= maximum:
            message = f"a whole number from {minimum} to {maximum}"
            raise ValueError(message)
        return int(value)

    return parse


def duration(value: str) -> int:
    """Accept a time such as ``90s``, ``15m``, ``24h`` or ``30d``, and return it in microseconds."""
    found = _DURATION.fullmatch(value)
    if found is None or not int(found[1]):
        message = "a duration above zero, such as 90s, 15m, 24h or 30d"
        raise ValueError(message)
    return int(found[1]) * _US_PER[found[2]]


def time_of_day(value: str) -> time:
    """Accept a time of a day of UTC, such as 08:30."""
    found = _TIME.fullmatch(value)
    if found is None:
        raise ValueError("a time of day, such as 08:30")
    return time(int(found[1]), int(found[2]), tzinfo=UTC)


def number_above_zero(value: str) -> float:
    """Accept a decimal number above 0 and not beyond all reason."""
    number = float(value) if _RATE.fullmatch(value) else 0.0
    if not 0 < number <= MOST:
        message = f"a number above 0, at most {MOST}"
        raise ValueError(message)
    return number


def money(value: str) -> Decimal:
    """Accept an exact amount, not negative."""
    if not _NUMBER.fullmatch(value) or Decimal(value).adjusted() >= MAX_INTEGER_DIGITS:
        message = "an amount such as 900 or 900.00"
        raise ValueError(message)
    return Decimal(value)


def currency(value: str) -> str:
    """Accept three capital letters."""
    if not is_currency(value):
        message = "a currency code of three capital letters"
        raise ValueError(message)
    return value


def timezone(value: str) -> ZoneInfo:
    """Accept a name of the IANA time zone database."""
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = "a time zone such as Asia/Seoul"
        raise ValueError(message) from None


def moment(value: str) -> datetime:
    """Accept an ISO 8601 time with an offset, of the years 1971 to 9000, and return it in UTC."""
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not None and _FIRST_YEAR <= found.year <= _LAST_YEAR:
            return found.astimezone(UTC)
    except ValueError:
        pass
    message = f"a time with an offset, such as 2026-01-31T08:00:00Z, from {_FIRST_YEAR} to {_LAST_YEAR}"
    raise ValueError(message)


def words(value: str) -> frozenset[str]:
    """Accept a list with commas between its words; it may be empty: ``none``."""
    if value.casefold() == "none":
        return frozenset()
    return frozenset(word.strip() for word in value.split(",") if word.strip())


def addresses(value: str) -> tuple[str, ...]:
    """Accept ``host:port`` addresses with commas between them."""
    found = tuple(address.strip() for address in value.split(","))
    for address in found:
        matched = _ADDRESS.fullmatch(address)
        if not matched or not 0 < int(matched[2]) <= _MAX_PORT:
            message = "host:port, or several with commas between them"
            raise ValueError(message)
    return found


def topic_name(value: str) -> str:
    """Accept what Kafka accepts as the name of a topic, less what the name of its dead letters needs."""
    if not _TOPIC_NAME.fullmatch(value) or value in {".", ".."} or len(value) > _MAX_TOPIC_NAME:
        message = f"a topic name: 1 to {_MAX_TOPIC_NAME} ASCII letters, digits, dots, underscores and hyphens"
        raise ValueError(message)
    return value


def optional(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """Accept nothing as None, and otherwise what ``parse`` accepts."""
    return lambda value: parse(value) if value else None
