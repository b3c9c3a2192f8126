"""``suspicious-method``: the payment was made in a way that is suspicious in itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts.display import printable
from pipeline.contracts.messages import Hit

if TYPE_CHECKING:
    from pipeline.contracts.messages import Transaction

ID: Final = "suspicious-method"
SEVERITY: Final = "medium"
SCORE: Final = 100


class SuspiciousMethod:
    """Fires for methods of a set, compared exactly."""

    def __init__(self, methods: frozenset[str]) -> None:
        self._methods = methods

    def describe(self) -> dict[str, object]:
        """Return what decides about hits."""
        return {"id": ID, "severity": SEVERITY, "score": SCORE, "methods": sorted(self._methods)}

    def judge(self, transaction: Transaction) -> Hit | None:
        """Return the hit, or None where the method is not suspicious."""
        if transaction.method not in self._methods:
            return None
        method = printable(transaction.method)
        return Hit(
            rule=ID, severity=SEVERITY, score=SCORE, message=f"paid by {method}", values={"method": transaction.method}
        )
