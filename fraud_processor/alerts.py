"""How a fraud reads. Pure: a transaction and its verdict in, a line out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts.display import printable

if TYPE_CHECKING:
    from pipeline.contracts.messages import Transaction, Verdict

# A suspicious payment to somebody known is worked off; one to a stranger raises the alarm.
ALARMING_PAYEES: Final = frozenset({"stranger"})


def alert(transaction: Transaction, verdict: Verdict) -> str:
    """Return the line that tells of the fraud, every field of it safe to print."""
    target = printable(transaction.target)
    if transaction.source is not None:
        reasons = ", ".join(f"{printable(hit.rule)}: {printable(hit.message)}" for hit in verdict.hits)
        return (
            f"[ALERT] fraud detected transfer {printable(transaction.source)} -> {target} "
            f"{transaction.amount} {transaction.currency} ({reasons})"
        )
    if transaction.target in ALARMING_PAYEES:
        return f"[ALERT] fraud detected payment to: {target} - {transaction.amount}"
    return f"[PROCESSING {printable(transaction.method)}] payment to: {target} - {transaction.amount}"
