"""The value of a key at hand: what all of its series have in common for one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from detector.rules.windows.clock import moved
from detector.rules.windows.doubt import look

if TYPE_CHECKING:
    from detector.rules.expressions.kinds import EvaluationError
    from detector.rules.subject import Subject
    from detector.rules.windows.engine import Batch
    from detector.rules.windows.kept import Kept, Partition
    from detector.rules.windows.view import View

MANY: Final = 1 << 62  # transactions: as many as there may be


class _Late:
    """Times that are never before a window: they stand for those that cannot be told at a glance."""

    def __getitem__(self, _place: int) -> int:
        return MANY


LATE: Final = _Late()


class At:
    """What holds for ``subject``, the transaction that was taken last, and for no other.

    ``base_us`` is what windows reach back from. ``missing`` says why there is no value, where there is none.
    ``counting`` are the series that tell how many transactions they have at most. ``size`` is what all series took
    before.
    """

    __slots__ = ("base_us", "counting", "kept", "missing", "size", "subject", "time_us")

    def __init__(self) -> None:
        """Begin with no transaction at hand."""
        self.subject: Subject | None = None
        self.counting: list[View] = []
        self.missing: EvaluationError | None = None
        self.kept: Kept | None = None
        self.time_us = self.base_us = self.size = 0

    def lack(self, subject: Subject, missing: EvaluationError) -> None:
        """Show nothing to a transaction without a value."""
        self.subject, self.missing = subject, missing
        for view in self.counting:
            view.most, view.times = MANY, LATE

    def bring(  # noqa: PLR0913, PLR0917 (called by text, see ``taking``)
        self,
        held: Partition,
        key: int,
        value: Any,  # noqa: ANN401 (of any key)
        subject: Subject,
        record_us: int,
        gone_us: int,
        reach_us: int,
        batch: Batch,
    ) -> Kept:
        """Bring what is kept of a value to hand, as ``taking`` writes it out where nothing is compiled.

        ``gone_us`` is before when values are forgotten, ``reach_us`` how far back any window of the key begins.
        """
        kept: Kept | None = held.values[key].get(value)
        if kept is None:
            kept = held.begun(key, value, batch)
        elif kept.seen_us < gone_us:
            kept = held.anew(key, value, kept, batch)
        elif kept.batch != batch.number:
            kept.touch(batch)
        kept.seen_us = held.newest_us
        time_us: int = subject.time_us or 0
        base_us, clock_us, lateness_us = time_us, kept.clock_us, batch.lateness_us
        if time_us > clock_us:
            if time_us <= record_us + lateness_us:
                kept.clock_us = time_us
            else:
                kept.clock_us = moved(clock_us, time_us, record_us, lateness_us)
        elif time_us < clock_us - lateness_us:
            base_us = clock_us - lateness_us
            subject.late = True
        self.subject, self.missing, self.kept = subject, None, kept
        if kept.doubt is not None:
            look(kept, subject, (time_us, record_us, base_us), reach_us, batch)
        self.time_us, self.base_us, self.size = time_us, base_us, kept.size
        return kept

    def leave(self, held: Partition) -> None:
        """Count what the transaction at hand has added, which is in all its series."""
        if self.kept is not None:
            held.size += self.kept.size - self.size
