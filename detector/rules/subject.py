"""What an expression looks at: the transaction at hand."""

from __future__ import annotations

import msgspec

from pipeline.contracts.messages import Transaction


class Subject(msgspec.Struct, gc=False, eq=False):
    """The transaction that is judged, as rules see it. ``late``: further behind the clock of a key than they wait.

    ``partial``: some of the history that they look at may have been evicted.
    ``time_us`` is its time in microseconds since 1970, None where nobody has asked for it yet.
    """

    transaction: Transaction
    late: bool = False
    time_us: int | None = None
    partial: bool = False
