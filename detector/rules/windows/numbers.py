"""Exact numbers in columns: whole numbers at a common scale, and the decimals that come of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from detector.rules.expressions.kinds import ARITHMETIC, EvaluationError

GAP: Final = -(1 << 63)  # stands for no value among numbers of 64 bits
# An aggregate takes a number with so many decimals, and below so many digits before its point.
MOST_DECIMALS: Final = 34
_MOST: Final = Decimal(10) ** 34
_LEAST_STEP: Final = Decimal(1).scaleb(-MOST_DECIMALS)
POWERS: Final = tuple(10**exponent for exponent in range(2 * MOST_DECIMALS + 1))
SMALL: Final = tuple(Decimal(number) for number in range(1025))
_FINEST: Final = ARITHMETIC.copy()
_FINEST.prec = 2 * MOST_DECIMALS + 1

CENTS: Final = 2  # decimals of most money
CENT: Final = Decimal("0.01")
PLAIN_WHOLE: Final = 10**14
HUNDRED: Final = Decimal(100)
_SHORT: Final = 18  # characters: a number of so many is within 64 bits

Scaled = tuple[int, int]  # a whole number, and how many of its digits are decimals


def scaled(value: Decimal) -> Scaled:
    """Return a number as a whole number and its decimals.

    Raises:
        EvaluationError: it is too large to be kept.

    """
    text = str(value)
    if len(text) <= _SHORT:  # as nearly always; its text is the quickest way to the digits of a number
        whole_part, _, decimals = text.partition(".")
        try:
            return int(whole_part + decimals), len(decimals)
        except ValueError:
            pass  # one with an exponent, or none at all
    if not -_MOST < value < _MOST:  # compared by size first: nothing is ever calculated with 1e6000
        raise EvaluationError("arithmetic", "an aggregate takes numbers below 10^34")
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise EvaluationError("arithmetic", "an aggregate takes numbers")
    if exponent < -MOST_DECIMALS:
        return scaled(value.quantize(_LEAST_STEP, context=_FINEST))
    whole = int("".join(map(str, digits)))
    if exponent > 0:
        whole, exponent = whole * POWERS[exponent], 0
    return (-whole if sign else whole), -exponent


def rescaled(whole: int, scale: int, wanted: int) -> int:
    """Return a whole number at a larger scale."""
    return whole if scale == wanted else whole * POWERS[wanted - scale]


def decimal_of(whole: int, scale: int, least: int) -> Decimal:
    """Return the number, rounded once to 34 digits; without zeros at its end, but with ``least`` decimals.

    The same number has the same text whatever the scale of its column.
    """
    if scale == least == CENTS and -PLAIN_WHOLE < whole < PLAIN_WHOLE:
        return Decimal(whole) * CENT  # nothing is rounded: as the language calculates, and quicker than any other way
    while scale > least and whole % 10 == 0:
        whole, scale = whole // 10, scale - 1
    if scale < least:
        whole, scale = whole * POWERS[least - scale], least
    return Decimal(whole).scaleb(-scale, ARITHMETIC)


def counted(count: int) -> Decimal:
    """Return a count as a number of the language."""
    return SMALL[count] if count < len(SMALL) else Decimal(count)


def mean(total: Decimal, count: int) -> Decimal:
    """Return an average."""
    return ARITHMETIC.divide(total, Decimal(count))


def deviation(count: int, total: int, squares: int, scale: int) -> Decimal:
    """Return the sample standard deviation, from the exact sums of the whole numbers and of their squares.

    The variance is rounded once, and so is its root.
    """
    variance = ARITHMETIC.divide(Decimal(count * squares - total * total), Decimal(count * (count - 1)))
    return ARITHMETIC.sqrt(variance).scaleb(-scale, ARITHMETIC).normalize(ARITHMETIC)
