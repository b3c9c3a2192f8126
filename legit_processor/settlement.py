"""What can be settled and how that reads. Pure: a transaction in, a line or an error out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts.display import printable
from pipeline.contracts.formats.transfer import METHOD as TRANSFER
from pipeline.contracts.invalid import InvalidMessageError, Reason

if TYPE_CHECKING:
    from pipeline.contracts.messages import Transaction

CARDS: Final = frozenset({"VISA", "MASTERCARD"})


def settle(transaction: Transaction) -> str:
    """Return the line that tells of the settled transaction.

    Raises:
        InvalidMessageError: the method is none that can be settled here.

    """
    if transaction.method == TRANSFER and transaction.source is not None:
        return (
            f"[{TRANSFER}] {printable(transaction.source)} -> {printable(transaction.target)} "
            f"{transaction.amount} {transaction.currency}"
        )
    if transaction.method in CARDS:
        return f"[{transaction.method}] {_payment(transaction)}"
    raise InvalidMessageError(Reason.UNSUPPORTED_METHOD, f"cannot settle by {printable(transaction.method)}")


def repeated(line: str) -> str:
    """Return the line that tells of a payment which was settled before."""
    return f"[REPEATED] {line}"


def unable(transaction: Transaction) -> str:
    """Return the line that tells of a transaction which cannot be settled."""
    return f"[ALERT] unable to process {printable(transaction.method)} {_payment(transaction)}"


def _payment(transaction: Transaction) -> str:
    return f"payment to: {printable(transaction.target)} - {transaction.amount}"
