"""What the processors print: the exact lines, and that nothing in a transaction can break out of its line."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_processor.alerts import alert
from legit_processor.settlement import settle, unable
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.messages import Hit
from tests.unit.samples import HOSTILE, paid, transaction, verdict

SOURCE, TARGET = "aB3dE5gH7jK9", "zY8xW6vU4tS2"
COIN = verdict(hits=[Hit(rule="suspicious-method", severity="medium", score=100, message="paid by BITCOIN", values={})])
ANY_TEXT = st.text(st.characters(), min_size=1, max_size=256)


@pytest.mark.parametrize(
    ("method", "target", "amount", "line"),
    [
        ("VISA", "mom", 12, "[VISA] payment to: mom - 12"),
        ("MASTERCARD", "dad", 3, "[MASTERCARD] payment to: dad - 3"),
        ("VISA", "stranger", 0, "[VISA] payment to: stranger - 0"),
    ],
)
def test_a_payment_by_card_is_settled(method: str, target: str, amount: int, line: str) -> None:
    """The line names card, payee and amount."""
    assert settle(paid(method, target, amount)) == line


def test_a_transfer_is_settled() -> None:
    """The line names both accounts, the amount with its cents, and the currency."""
    line = settle(transaction(amount=Decimal("231.67")))
    assert line == f"[TRANSFER] {SOURCE} -> {TARGET} 231.67 EUR"
    assert settle(transaction(amount=Decimal("231.60"))).endswith(" 231.60 EUR")


@pytest.mark.parametrize("method", ["PAYPAL", "BITCOIN", "visa", "VISA ", "TRANSFER", ""])
def test_what_cannot_be_settled_is_told_and_refused(method: str) -> None:
    """A method that is none of ours becomes a dead letter; a payment that calls itself a transfer is none."""
    payment = paid(method, "mom", 7)
    with pytest.raises(InvalidMessageError) as refused:
        settle(payment)
    assert refused.value.reason == Reason.UNSUPPORTED_METHOD
    assert unable(payment) == f"[ALERT] unable to process {method} payment to: mom - 7"


def test_a_fraudulent_transfer_is_told_with_its_reasons() -> None:
    """The alert names accounts, amount and every rule that fired."""
    line = alert(transaction(), verdict())
    assert line == f"[ALERT] fraud detected transfer {SOURCE} -> {TARGET} 980.05 EUR (large-amount: 980.05 >= 900)"
    both = verdict(hits=[*verdict().hits, *COIN.hits])
    assert alert(transaction(), both).endswith(
        " 980.05 EUR (large-amount: 980.05 >= 900, suspicious-method: paid by BITCOIN)"
    )


def test_a_suspicious_payment_to_a_stranger_raises_the_alarm() -> None:
    """To somebody unknown, a suspicious payment is an alert."""
    assert alert(paid("BITCOIN", "stranger", 40), COIN) == "[ALERT] fraud detected payment to: stranger - 40"


def test_a_suspicious_payment_to_somebody_known_is_worked_off() -> None:
    """To family and friends it is processed, by the name of its method."""
    assert alert(paid("BITCOIN", "mom", 7), COIN) == "[PROCESSING BITCOIN] payment to: mom - 7"
    assert alert(paid("PAYPAL", "Stranger", 7), COIN) == "[PROCESSING PAYPAL] payment to: Stranger - 7"


def lines_of(text: str) -> list[str]:
    """Return every line that either processor makes of a transaction with this text in all of its fields."""
    hit = Hit(rule=text, severity=text, score=100, message=text, values={text: text})
    judged = verdict(ruleset=text, hits=[hit, hit])
    transfer = transaction(source=text, target=text)
    payment = paid(text, text, 7)
    with pytest.raises(InvalidMessageError) as refused:
        settle(payment)
    return [
        settle(transfer),
        settle(paid("VISA", text, 7)),
        unable(payment),
        unable(transfer),
        refused.value.detail,
        alert(transfer, judged),
        alert(payment, judged),
        alert(paid("BITCOIN", text, 7), judged),
    ]


def test_hostile_text_stays_on_its_line() -> None:
    """Escape sequences, line ends, bidirectional marks and half characters are shown, not obeyed."""
    for line in lines_of(HOSTILE):
        assert line.isprintable()
        assert line.encode()


@given(ANY_TEXT)
def test_any_text_stays_on_its_line(text: str) -> None:
    """Whatever stands in a field, a line is one line that any terminal can be shown."""
    for line in lines_of(text):
        assert line.isprintable()
        assert len(line) < 30_000
