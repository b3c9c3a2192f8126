"""What kinds of values there are, and what can go wrong with them."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, DivisionByZero, InvalidOperation, Overflow
from enum import Enum
from typing import Final

# As decimal128 of IEEE 754: the same digits on every machine.
ARITHMETIC: Final = Context(
    prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, traps=[DivisionByZero, InvalidOperation, Overflow]
)

US_PER: Final = {
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60 * 1_000_000,
    "h": 3_600 * 1_000_000,
    "d": 86_400 * 1_000_000,
    "w": 7 * 86_400 * 1_000_000,
}
MAX_WINDOW_US: Final = 400 * US_PER["d"]
DURATION: Final = "([0-9]{1,9})(ms|s|m|h|d|w)"
_DURATION: Final = re.compile(DURATION)


class Kind(Enum):
    """The kinds; what each is in Python stands behind it."""

    NUMBER = "a number"  # Decimal
    MONEY = "an amount of money"  # Decimal, in the transaction's currency
    TEXT = "a text"  # str
    TRUTH = "true or false"  # bool
    MOMENT = "a moment"  # int, microseconds since 1970 UTC
    DURATION = "a duration"  # int, microseconds


class EvaluationError(Exception):
    """An expression has no value for a transaction. ``code`` is what is counted, the sentence is for people."""

    def __init__(self, code: str, told: str) -> None:
        super().__init__(told)
        self.code = code


def duration_us(text: str) -> int | None:
    """Return a duration such as ``90s``, ``24h`` or ``30d`` in microseconds, or None where the text is none."""
    found = _DURATION.fullmatch(text)
    return int(found[1]) * US_PER[found[2]] if found else None


def window_us(text: str) -> int | None:
    """Return the width of a window in microseconds, or None where the text is none, or is none that we keep."""
    found = duration_us(text)
    return found if found is not None and 0 < found <= MAX_WINDOW_US else None


WINDOW_EXPECTED: Final = "a window such as 90s, 24h or 30d was expected, of at most 400d"
