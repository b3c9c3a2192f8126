"""Amounts against an oracle of fractions, and how long the worst of them takes."""

from __future__ import annotations

import time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.money import MAX_INTEGER_DIGITS, decimals_of, exact_amount, is_currency

CURRENCIES = st.sampled_from(["EUR", "KRW", "JPY", "KWD", "CLF", "XYZ"])
TOO_LARGE = Fraction(10) ** MAX_INTEGER_DIGITS


def outcome(value: object, currency: str) -> Decimal | Reason:
    """Return the amount, or why it is refused."""
    try:
        return exact_amount(value, currency, "amount")
    except InvalidMessageError as error:
        return error.reason


def judged(value: int | Decimal, currency: str) -> Reason | tuple[Fraction, int | str]:
    """Return why an amount is refused, or what it is exactly, and its exponent."""
    found = outcome(value, currency)
    return (Fraction(found), found.as_tuple().exponent) if isinstance(found, Decimal) else found


def as_fractions_are(value: int | Decimal, currency: str) -> Reason | tuple[Fraction, int | str]:
    """Return the same by the oracle."""
    exact, decimals = Fraction(value), decimals_of(currency)
    if abs(exact) >= TOO_LARGE:
        return Reason.AMOUNT_TOO_LARGE
    if exact < 0:
        return Reason.NEGATIVE_AMOUNT
    return Reason.TOO_MANY_DECIMALS if exact * 10**decimals % 1 else (exact, -decimals)


@given(st.integers(0, 10**18), st.integers(-22, 18), CURRENCIES)
@example(0, -30, "EUR")
@example(0, 14, "EUR")
@example(999999999999999, 0, "CLF")
@example(10**15, 0, "EUR")
@example(10**15 - 1, 1, "EUR")
def test_decimals_are_judged_as_fractions_are(digits: int, exponent: int, currency: str) -> None:
    """Size and fineness of any decimal are told exactly, and an amount equals what was sent."""
    if digits or exponent < MAX_INTEGER_DIGITS:
        value = Decimal(digits).scaleb(exponent)
        assert judged(value, currency) == as_fractions_are(value, currency)


@given(st.integers(1, 10**18), st.integers(-22, 18), CURRENCIES)
def test_no_negative_decimal_passes(digits: int, exponent: int, currency: str) -> None:
    """A sign is told however small or large the number is."""
    found = outcome(-Decimal(digits).scaleb(exponent), currency)
    assert found in {Reason.NEGATIVE_AMOUNT, Reason.AMOUNT_TOO_LARGE}


@given(st.integers(-(10**17), 10**17) | st.integers(), CURRENCIES)
@example(10**15 - 1, "EUR")
@example(10**15, "EUR")
@example(-(10**15), "EUR")
def test_integers_are_judged_as_fractions_are(value: int, currency: str) -> None:
    """An integer is an amount where it is neither negative nor over 15 digits."""
    assert judged(value, currency) == as_fractions_are(value, currency)


@pytest.mark.parametrize("written", ["0e15", "0e20", "0.0e999999"])
def test_zero_is_zero_whatever_its_exponent(written: str) -> None:
    """Nothing times ten to any power has no digit too many."""
    assert outcome(Decimal(written), "EUR") == Decimal("0.00")


@pytest.mark.parametrize("written", ["-0.0", "-0", "-0.00", "-0e5"])
def test_a_negative_zero_is_negative(written: str) -> None:
    """Two readers could tell its sign apart: it is refused."""
    assert outcome(Decimal(written), "EUR") == Reason.NEGATIVE_AMOUNT


@pytest.mark.parametrize(
    "written",
    ["1e999999", "-1e999999", "1e-999999", "9.9e999999999999999999", pytest.param("1" * 100_000, id="100,000 digits")],
)
def test_no_amount_takes_time_to_refuse(written: str) -> None:
    """Sizes are compared before anything is calculated: converting ``1e999999`` would take most of a minute."""
    value = Decimal(written)
    started = time.perf_counter()
    assert isinstance(outcome(value, "EUR"), Reason)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize("value", [None, True, False, "12", 12.0, b"12", [], {}, Fraction(12)])
def test_other_types_than_numbers_are_refused(value: object) -> None:
    """Only what the decoder makes of a JSON number is one: neither a truth value nor a float."""
    assert outcome(value, "EUR") == Reason.WRONG_TYPE


def test_currencies_have_the_decimals_that_iso_4217_lists() -> None:
    """None, two, three and four decimals, and two for a code that is not listed."""
    expected = {"KRW": 0, "JPY": 0, "EUR": 2, "USD": 2, "KWD": 3, "BHD": 3, "CLF": 4, "ZZZ": 2}
    assert {currency: decimals_of(currency) for currency in expected} == expected


@pytest.mark.parametrize(
    ("code", "accepted"),
    [("EUR", True), ("ZZZ", True), ("eur", False), ("EU", False), ("EURO", False), ("ÄÖÜ", False), ("E R", False)],
)
def test_a_currency_code_is_three_capital_ascii_letters(*, code: str, accepted: bool) -> None:
    """The form is what counts: a code need not be listed."""
    assert is_currency(code) is accepted
