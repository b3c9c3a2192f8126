"""What a rule is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pipeline.contracts.messages import Hit, Transaction


class Rule(Protocol):
    """One reason to take a transaction for fraud."""

    def describe(self) -> dict[str, object]:
        """Return all that decides what the rule does, fit for JSON: the rule set's hash is made of it."""
        ...

    def judge(self, transaction: Transaction) -> Hit | None:
        """Return the hit, or None where the rule does not fire."""
        ...
