"""What a series shows to the transaction at hand."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final

from detector.rules.windows.panes import Ladder, fine
from detector.rules.windows.series import Form, Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.rules.expressions.kinds import EvaluationError
    from detector.rules.subject import Subject
    from detector.rules.windows.engine import Batch, Kept
    from detector.rules.windows.inputs import Condition, Input

NEWEST: Final = 1_024  # transactions of a series that are kept one by one


class View:
    """One series of a key's values: which transactions are in it, and what it shows of the value at hand.

    It holds for the transaction that was taken last, and for no other. ``hi`` is the place behind all transactions up
    to the time of the one at hand, which stands last there where it is ``own``. ``solo`` is its row where it is older
    than all that are kept one by one. ``base_us`` is what windows reach back from.
    """

    def __init__(self, index: int, condition: Condition | None, *, money: bool) -> None:
        self.index = index  # among the series of the key
        self.money = money
        self.inputs: list[Input] = []
        self.forms: list[Form] = []
        self.widths: list[int] = []
        self.folds = True
        self.reach_us = 0
        self._condition = condition
        self.subject: Subject | None = None
        self.missing: EvaluationError | None = None
        self.series: Series | None = None
        self.time_us = self.base_us = self.hi = 0
        self.own = False
        self.solo: list[Any] | None = None
        self._kept: Kept | None = None  # where the series is yet to be looked for

    def column(self, wanted: Input) -> int:
        """Return the column for an input, a new one where there is none."""
        if wanted not in self.inputs:
            self.inputs.append(wanted)
            self.forms.append(wanted.form)
        return self.inputs.index(wanted)

    def reach(self, width_us: int, *, folds: bool = True) -> None:
        """Keep what a window of a width needs, also in panes where it ``folds``."""
        if folds and width_us not in self.widths:
            self.widths.append(width_us)
        self.reach_us = max(self.reach_us, width_us + Ladder(width_us).step_us)

    def lack(self, subject: Subject, missing: EvaluationError) -> None:
        """Show nothing to a transaction without a key."""
        self.subject, self.missing, self.series, self._kept = subject, missing, None, None

    def take(self, subject: Subject, time_us: int, base_us: int, kept: Kept, batch: Batch) -> None:
        """Take the transaction in where it counts, and show it the series."""
        self.subject, self.missing = subject, None
        self.time_us, self.base_us = time_us, base_us
        self.own, self.solo = False, None
        condition = self._condition
        if condition is not None and not condition.holds(subject):
            self._kept = kept
            return
        row = [one.held if one.subject is subject else one.of(subject) for one in self.inputs]
        series = kept.series[self.index]
        if self.money:
            currency = subject.transaction.currency
            while series is not None and series.currency != currency:
                series = series.other
        if series is None:
            series = self._begun(subject.transaction.currency if self.money else "", kept, batch)
        elif series.batch != batch.number:
            series.touch(batch.number, kept.settled_us - batch.lateness_us - self.reach_us)
            batch.touched_series.append(series)
        self.series, self._kept = series, None
        times = series.times
        if len(times) - series.start < batch.newest and (not times or time_us >= times[-1]):
            # As nearly always: the newest of a history that is not full.
            series.append(time_us, row)
            self.hi, self.own = len(times), True
        else:
            self._put(series, time_us, row, batch)

    def look(self) -> Series | None:
        """Return the series that the transaction at hand sees; it is looked for only where it is asked for."""
        kept, subject = self._kept, self.subject
        if kept is not None and subject is not None:
            series = kept.series[self.index]
            if self.money:
                while series is not None and series.currency != subject.transaction.currency:
                    series = series.other
            if series is not None:
                self.hi = bisect_right(series.times, self.time_us, series.start)
            self.series, self._kept = series, None
        return self.series

    def _begun(self, currency: str, kept: Kept, batch: Batch) -> Series:
        batch.begun += 1
        before = kept.series[self.index]
        series = kept.series[self.index] = Series(self.forms, currency, before, batch.number)
        batch.undo.append((kept.series.__setitem__, (self.index, before)))
        return series

    def _put(self, series: Series, time_us: int, row: Sequence[Any], batch: Batch) -> None:
        full = len(series.times) - series.start >= batch.newest
        if full and time_us < series.times[series.start]:
            self.hi = series.start
            self.solo = fine(row, self.forms)
            batch.waiting.append((self, series, time_us, self.solo))
            return
        self.hi = series.put(time_us, row, batch.undo) + 1
        self.own = True
        if full:
            oldest = series.start
            self.fold(series, series.times[oldest], fine(series.row(oldest), self.forms), batch)
            series.start = oldest + 1

    def fold(self, series: Series, time_us: int, row: Sequence[Any], batch: Batch) -> None:
        """Take a transaction into panes that is older than all that are kept one by one."""
        if not self.folds:
            return
        if series.ladders is None:
            series.ladders = tuple(Ladder(width) for width in self.widths)
        for ladder in series.ladders:
            ladder.add(time_us, self.forms, row, batch.number, batch.undo)
