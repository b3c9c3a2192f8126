"""What a payment does to accounts, and what makes it the same as another."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legit_processor.ledger.booking import CLEARING, CUSTOMER, WALLETS, Entry, content_of, entries_of, minor_of
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.runtime.database.names import MARK, stored
from tests.unit.samples import transaction

if TYPE_CHECKING:
    from pipeline.contracts.messages import Transaction


def test_a_transfer_goes_from_its_source_to_its_target() -> None:
    """In minor units of its currency."""
    entries = entries_of(transaction(source="A", target="B", amount=Decimal("12.50"), currency="EUR"))
    assert entries == [Entry(CUSTOMER, "A", -1250), Entry(CUSTOMER, "B", 1250)]


def test_a_payment_goes_over_the_clearing_account_of_its_method() -> None:
    """From the payers' wallet, where the message names no payer."""
    entries = entries_of(transaction(source=None, target="mom", amount=Decimal(12), currency="KRW", method="VISA"))
    assert entries == [
        Entry(WALLETS, "VISA", -12),
        Entry(CLEARING, "VISA", 12),
        Entry(CLEARING, "VISA", -12),
        Entry(CUSTOMER, "mom", 12),
    ]


@pytest.mark.parametrize(("currency", "amount", "minor"), [("KRW", "7", 7), ("BHD", "1.234", 1234), ("EUR", "0.01", 1)])
def test_minor_units_are_those_of_the_currency(currency: str, amount: str, minor: int) -> None:
    """Exactly, without any rounding."""
    assert entries_of(transaction(amount=Decimal(amount), currency=currency))[-1].minor == minor


def test_what_a_ledger_cannot_add_up_is_refused() -> None:
    """Only where a currency has four decimals is there such an amount."""
    with pytest.raises(InvalidMessageError) as refused:
        entries_of(transaction(amount=Decimal("999999999999999.9999"), currency="CLF"))
    assert refused.value.reason is Reason.AMOUNT_TOO_LARGE


@pytest.mark.parametrize(
    "changed", [{"source": "X"}, {"target": "X"}, {"amount": Decimal(1)}, {"currency": "USD"}, {"method": "X"}]
)
def test_another_payment_has_another_content(changed: dict[str, Any]) -> None:
    """And the same payment at another time has the same."""
    paid = transaction(amount=Decimal("2.00"), currency="EUR")
    assert content(paid) != content(transaction(**{"amount": Decimal("2.00"), "currency": "EUR", **changed}))
    later = transaction(amount=Decimal("2.00"), currency="EUR", timestamp=paid.timestamp.replace(year=2030))
    assert content(paid) == content(later)


def content(paid: Transaction) -> bytes:
    """Return the content of a payment."""
    return content_of(paid, minor_of(paid))


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ("A", "B", "11ae0c364a8932e5cecf7f09cfc82631"),
        (None, "B", "ef40400172bc29d0c1858ab0f2986757"),
        ("\ud800", "Ä-B", "1da1aaa58acffef9cd18dffa78f585ee"),
    ],
)
def test_what_is_booked_is_known_again_by_later_releases(source: str | None, target: str, told: str) -> None:
    """Guard: ledgers are full of these, and the same payment with another one would be a conflict."""
    paid = transaction(source=source, target=target, amount=Decimal("2.00"), currency="EUR", method="VISA")
    assert content(paid).hex() == told


NAMES = st.one_of(st.text(), st.text(alphabet=st.sampled_from(["\ud800", "\0", "\\", "a", "\ufffd", ":", "e", "d"])))


@given(NAMES, NAMES)
def test_no_two_names_are_stored_alike(one: str, other: str) -> None:
    """And each as something that a database takes."""
    stored(one).encode()
    assert "\0" not in stored(one)
    assert (stored(one) == stored(other)) == (one == other)


def test_nearly_all_names_are_stored_as_they_are() -> None:
    """People look for them with their own tools."""
    assert [stored(name) for name in ("aB3", "Müller", "")] == ["aB3", "Müller", ""]
    assert stored("\ud800") == f"{MARK}eda080"
