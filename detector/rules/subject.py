"""What an expression looks at: the transaction at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.contracts.messages import Transaction


class Subject:
    """The transaction that is judged, as rules see it. ``late``: further behind the clock of a key than they wait.

    ``time_us`` is its time in microseconds since 1970, None where nobody has asked for it yet.
    """

    __slots__ = ("late", "time_us", "transaction")

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.late = False
        self.time_us: int | None = None
