"""The functions that an expression may call, with the kinds of what they take and give."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import re2

from detector.rules.expressions.kinds import US_PER, Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

EARTH_KM: Final = 6371.0088  # mean radius, IUGG
METRES: Final = 3  # decimals of a kilometre: what is beyond may differ between machines
PATTERN_BYTES: Final = 1 << 20  # of memory for a pattern; a larger one is refused when it is loaded
MAX_PATTERN: Final = 500  # characters
KEPT_ANSWERS: Final = 16_384  # of all patterns together, since a rule file may have thousands
KEPT_CHARACTERS: Final = 64  # of a text whose answer is kept: whoever writes transactions chooses how long they are
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOURS: Final = tuple(map(Decimal, range(24)))
_HOUR_US: Final = US_PER["h"]


@dataclass(frozen=True, slots=True)
class Function:
    """``takes`` are the kinds of its arguments, ``call`` gets their values; ``told`` shows how it is used."""

    takes: tuple[Kind, ...]
    gives: Kind
    call: Callable[..., object]
    told: str


class PatternError(Exception):
    """A regular expression is none that we take; the sentence says why."""


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a pattern is found anywhere in a text, in time linear to the text's length.

    Raises:
        PatternError: it is no pattern of RE2, or too large.

    """
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"a pattern has at most {MAX_PATTERN} characters, this one {len(pattern)}")
    options = re2.Options()
    options.max_mem = PATTERN_BYTES
    options.log_errors = False
    try:
        search = re2.compile(pattern, options).search
    except re2.error as error:
        reason = error.args[0] if error.args else error
        told = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(f"{told}; patterns are those of RE2, without back-references and look-around") from None

    # A search costs as much as several rules, and who pays pays the same ones again. A long text is no name of anybody.
    return lambda text: kept_answer(search, text) if len(text) <= KEPT_CHARACTERS else _found(search, text)


def _found(search: Callable[[bytes], object], text: str) -> bool:
    # As bytes, since then it does not count characters.
    return search(text.encode()) is not None


kept_answer: Final = lru_cache(KEPT_ANSWERS)(_found)


def functions_in(zone: tzinfo) -> dict[str, Function]:
    """Return the functions by name; hours and days are those of a zone."""
    is_utc = str(zone) == "UTC"

    def local(moment_us: int) -> datetime:
        return (_EPOCH + timedelta(microseconds=moment_us)).astimezone(zone)

    def hour(moment_us: int) -> Decimal:
        return _HOURS[moment_us // _HOUR_US % 24 if is_utc else local(moment_us).hour]

    return {
        "lower": Function((Kind.TEXT,), Kind.TEXT, str.lower, "lower(target)"),
        "length": Function((Kind.TEXT,), Kind.NUMBER, lambda text: Decimal(len(text)), "length(target)"),
        "starts_with": Function((Kind.TEXT, Kind.TEXT), Kind.TRUTH, str.startswith, 'starts_with(target, "DE")'),
        "abs": Function((Kind.NUMBER,), Kind.NUMBER, abs, "abs(score)"),
        "hour": Function((Kind.MOMENT,), Kind.NUMBER, hour, "hour(timestamp), 0 to 23"),
        "weekday": Function(
            (Kind.MOMENT,), Kind.NUMBER, lambda at: Decimal(local(at).isoweekday()), "weekday(timestamp), Monday is 1"
        ),
        "distance_km": Function(
            (Kind.NUMBER,) * 4, Kind.NUMBER, distance_km, "distance_km(latitude, longitude, latitude, longitude)"
        ),
    }


def distance_km(latitude: Decimal, longitude: Decimal, other_latitude: Decimal, other_longitude: Decimal) -> Decimal:
    """Return the great-circle distance of two places in degrees, in kilometres to the metre."""
    phi, other_phi = math.radians(latitude), math.radians(other_latitude)
    half = math.sin((other_phi - phi) / 2) ** 2
    half += math.cos(phi) * math.cos(other_phi) * math.sin(math.radians(other_longitude - longitude) / 2) ** 2
    return Decimal(round(2 * EARTH_KM * math.asin(math.sqrt(min(1.0, half))), METRES)).quantize(Decimal("0.001"))
