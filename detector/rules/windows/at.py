"""The value of a key at hand: what all of its series have in common for one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from detector.rules.expressions.kinds import EvaluationError
    from detector.rules.subject import Subject
    from detector.rules.windows.kept import Kept
    from detector.rules.windows.view import View

MANY: Final = 1 << 62  # transactions: as many as there may be


class At:
    """What holds for ``subject``, the transaction that was taken last, and for no other.

    ``base_us`` is what windows reach back from. ``missing`` says why there is no value, where there is none.
    ``counting`` are the series that tell how many transactions they have at most.
    """

    __slots__ = ("base_us", "counting", "kept", "missing", "subject", "time_us")

    def __init__(self) -> None:
        """Begin with no transaction at hand."""
        self.subject: Subject | None = None
        self.counting: list[View] = []
        self.missing: EvaluationError | None = None
        self.kept: Kept | None = None
        self.time_us = self.base_us = 0

    def lack(self, subject: Subject, missing: EvaluationError) -> None:
        """Show nothing to a transaction without a value."""
        self.subject, self.missing = subject, missing
        for view in self.counting:
            view.most = MANY
