"""Amounts: exact, bounded, and with no more decimals than their currency has."""

from __future__ import annotations

from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation
from typing import Final

from pipeline.contracts.invalid import InvalidMessageError, Reason

MAX_INTEGER_DIGITS: Final = 15

# ISO 4217 lists these with another number of decimals than two.
_DECIMALS: Final = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(),  # noqa: SIM905
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_DEFAULT_DECIMALS: Final = 2

_STEPS: Final = {decimals: Decimal(1).scaleb(-decimals) for decimals in range(5)}
_LIMIT: Final = Decimal(10**MAX_INTEGER_DIGITS)
_EXACT: Final = Context(prec=28, traps=[Inexact, InvalidOperation])


def decimals_of(currency: str) -> int:
    """Return how many decimals amounts of a currency have; two for codes that ISO 4217 does not list."""
    return _DECIMALS.get(currency, _DEFAULT_DECIMALS)


def is_currency(code: str) -> bool:
    """Tell whether a text has the form of a currency code: three capital ASCII letters."""
    return code in _SEEN or (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper())  # noqa: PLR2004


# The smallest amount of each currency that was met: as many as there are codes, at most.
_SEEN: Final[dict[str, Decimal]] = {}


def _step_of(currency: str) -> Decimal:
    step = _STEPS[decimals_of(currency)]
    if is_currency(currency):
        _SEEN[currency] = step
    return step


def exact_amount(value: object, currency: str, member: str) -> Decimal:
    """Return a JSON number as an amount, with exactly the decimals of its currency.

    ``value`` is what the decoder makes of a JSON number: an int, or a Decimal that keeps every digit. Sizes are
    compared before anything is calculated, since ``1e999999`` is three characters to decode and minutes to convert.

    Raises:
        InvalidMessageError: not a number, negative, longer than 15 integer digits, or finer than the currency.

    """
    step = _SEEN.get(currency)
    if step is None:
        step = _step_of(currency)
    if type(value) is Decimal and value.same_quantum(step) and not value.is_signed() and value < _LIMIT:
        return value  # nearly all of them
    if type(value) is int:
        if not -(10**MAX_INTEGER_DIGITS) < value < 10**MAX_INTEGER_DIGITS:
            raise InvalidMessageError(Reason.AMOUNT_TOO_LARGE, f"{member} has over {MAX_INTEGER_DIGITS} digits")
        number = Decimal(value)
    elif type(value) is Decimal:
        number = value or Decimal(0).copy_sign(value)  # a zero may have any exponent
        if number.adjusted() >= MAX_INTEGER_DIGITS:
            raise InvalidMessageError(Reason.AMOUNT_TOO_LARGE, f"{member} has over {MAX_INTEGER_DIGITS} digits")
    else:
        raise InvalidMessageError(Reason.WRONG_TYPE, f"{member} is not a number")
    if number.is_signed():
        raise InvalidMessageError(Reason.NEGATIVE_AMOUNT, f"{member} is negative")
    try:
        return _EXACT.quantize(number, step)
    except DecimalException:
        raise InvalidMessageError(
            Reason.TOO_MANY_DECIMALS, f"{member} has more than the {decimals_of(currency)} decimals of {currency}"
        ) from None
