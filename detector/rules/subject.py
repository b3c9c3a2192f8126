"""What an expression looks at: the transaction at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.contracts.messages import Transaction


class Subject:
    """The transaction that is judged, as rules see it."""

    __slots__ = ("transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
