"""The value of a key at hand: what all of its series have in common for one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detector.rules.expressions.kinds import EvaluationError
    from detector.rules.subject import Subject
    from detector.rules.windows.kept import Kept


class At:
    """What holds for ``subject``, the transaction that was taken last, and for no other.

    ``base_us`` is what windows reach back from. ``missing`` says why there is no value, where there is none; where
    there is one, ``present`` is the subject, too.
    """

    __slots__ = ("base_us", "kept", "missing", "present", "subject", "time_us")

    def __init__(self) -> None:
        """Begin with no transaction at hand."""
        self.subject: Subject | None = None
        self.present: Subject | None = None
        self.missing: EvaluationError | None = None
        self.kept: Kept | None = None
        self.time_us = self.base_us = 0

    def lack(self, subject: Subject, missing: EvaluationError) -> None:
        """Show nothing to a transaction without a value."""
        self.subject, self.missing = subject, missing
