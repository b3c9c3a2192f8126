"""``large-amount``: the amount reaches a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts.messages import Hit

if TYPE_CHECKING:
    from decimal import Decimal

    from pipeline.contracts.messages import Transaction

ID: Final = "large-amount"
SEVERITY: Final = "high"
SCORE: Final = 100


class LargeAmount:
    """Fires at ``limit`` and above, in whatever currency the transaction is."""

    def __init__(self, limit: Decimal) -> None:
        self._limit = limit

    def describe(self) -> dict[str, object]:
        """Return what decides about hits."""
        return {"id": ID, "severity": SEVERITY, "score": SCORE, "limit": str(self._limit)}

    def judge(self, transaction: Transaction) -> Hit | None:
        """Return the hit, or None where the amount is below the limit."""
        if transaction.amount < self._limit:
            return None
        return Hit(
            rule=ID,
            severity=SEVERITY,
            score=SCORE,
            message=f"{transaction.amount} >= {self._limit}",
            values={"amount": str(transaction.amount)},
        )
