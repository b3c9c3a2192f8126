"""Reads the ends of a time range as people give them. Pure: the present is handed in."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])")


def moment(text: str, now: datetime) -> datetime:
    """Return the moment that a text names: ISO 8601 with an offset or ``Z``, or a duration back from ``now``.

    A duration is a whole number and one of ``s``, ``m``, ``h``, ``d``, as in ``90m``. Both are aware.

    Raises:
        ValueError: it is neither; the sentence says what would be.

    """
    duration = _DURATION.fullmatch(text)
    try:
        if duration:
            return now - timedelta(**{UNITS[duration[2]]: int(duration[1])})
        found = datetime.fromisoformat(text)
    except OverflowError:
        raise ValueError(f"{text} is further back than the calendar goes") from None
    except ValueError:
        raise ValueError(
            f"{text!r} is neither a moment such as 2026-11-22T14:05:09+09:00 nor a duration such as 90m, 2h or 1d"
        ) from None
    if found.tzinfo is None:
        raise ValueError(f"{text} says no offset from UTC: add Z, or one such as +09:00")
    return found
