"""Values as text: exactly, for programs, and as people read them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Final

from detector.rules.expressions.kinds import US_PER, Kind
from pipeline.contracts.display import printable
from pipeline.contracts.moments import EPOCH

MAX_TEXT: Final = 120  # characters of somebody else's text in a sentence of ours


def exact(kind: Kind, value: object) -> str:
    """Return a value as text that loses nothing."""
    if isinstance(value, Decimal):
        told = str(value)
        return format(value, "f") if "E" in told and -30 < value.adjusted() < 30 else told  # noqa: PLR2004 (digits)
    if kind is Kind.MOMENT and isinstance(value, int):
        return (EPOCH + timedelta(microseconds=value)).isoformat().replace("+00:00", "Z")
    if kind is Kind.DURATION and isinstance(value, int):
        return _duration(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def readable(kind: Kind, value: object) -> str:
    """Return a value for a sentence: printable, and not too long; of a duration the two largest units."""
    if kind is Kind.DURATION and isinstance(value, int):
        return _about(value)
    told = exact(kind, value)
    if kind is Kind.TEXT:
        told = printable(told)
        return told if len(told) <= MAX_TEXT else told[: MAX_TEXT - 1] + "…"
    return told


def _about(microseconds: int) -> str:
    sign, left = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    counts = []
    for unit in ("d", "h", "m", "s", "ms"):
        counts.append((left // US_PER[unit], unit))
        left %= US_PER[unit]
    first = next((at for at, (count, _) in enumerate(counts) if count), None)
    if first is None:
        return _duration(microseconds)
    return sign + " ".join(f"{count}{unit}" for count, unit in counts[first : first + 2] if count)


def _duration(microseconds: int) -> str:
    """Return a duration as it would be written, in the largest unit that divides it."""
    sign, left = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    for unit in ("w", "d", "h", "m", "s", "ms"):
        if left and left % US_PER[unit] == 0:
            return f"{sign}{left // US_PER[unit]}{unit}"
    return f"{sign}{left / US_PER['ms']:.3f}ms" if left else "0s"
