"""What a series shows to the transaction at hand."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final

from detector.rules.expressions.kinds import EvaluationError
from detector.rules.windows.at import LATE, MANY
from detector.rules.windows.numbers import GAP
from detector.rules.windows.panes import Ladder, fine
from detector.rules.windows.series import Form, Layout, Series, in_currency
from detector.rules.windows.sharing import shared
from detector.rules.windows.sizes import SERIES_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.rules.subject import Subject
    from detector.rules.windows.at import At
    from detector.rules.windows.engine import Batch
    from detector.rules.windows.inputs import Condition, Input
    from detector.rules.windows.kept import Kept, Partition

NEWEST: Final = 1_024  # transactions of a series that are kept one by one
# The scales of most series are the same: one tuple for all of them.
ALIKE: Final[dict[tuple[int, ...], tuple[int, ...]]] = {}
OVER: Final = "a transaction sees its histories until the next is taken"


class View:
    """One series of a key's values: which transactions are in it, and what it shows of the value at hand.

    It holds for ``subject`` alone. ``hi`` is the place behind all transactions up to the time of the one at hand, which
    stands last there where it is ``own``; else ``solo`` is its row where it is older than all that are kept one by one.
    Where it ``counts``, ``most`` is how many transactions any window has at most, and ``times`` ends with theirs; many,
    and late ones, where that cannot be told at a glance.
    """

    __slots__ = (
        "_layout", "at", "condition", "counts", "folds", "forms", "hi", "index", "inputs", "money", "most", "own",
        "reach_us", "series", "solo", "stride", "subject", "times", "widths",
    )  # fmt: skip

    def __init__(self, at: At, index: int, condition: Condition | None, *, money: bool) -> None:
        self.at = at
        self.index = index  # among the series of the key
        self.condition = condition
        self.money = money
        self.inputs: list[Input] = []
        self.forms: list[Form] = []
        self.stride = 0  # numbers in a row
        self.widths: list[int] = []
        self.folds = True
        self.reach_us = 0
        self.subject: Subject | None = None
        self.series: Series | None = None
        self.hi = 0
        self.own = False
        self.solo: list[Any] | None = None
        self.most = MANY
        self.times: Any = LATE
        self.counts = False
        self._layout: Layout | None = None

    def column(self, wanted: Input) -> int:
        """Return the column for an input, a new one where there is none."""
        if wanted not in self.inputs:
            self.inputs.append(wanted)
            self.forms.append(wanted.form)
            self.stride += wanted.form is not Form.PLAIN
        return self.inputs.index(wanted)

    def count(self) -> None:
        """Tell from now on how many transactions there are at most."""
        if not self.counts:
            self.counts = True
            self.at.counting.append(self)

    @property
    def layout(self) -> Layout:
        """Where the columns are, when all are known."""
        if self._layout is None:
            self._layout = Layout(self.forms)
        return self._layout

    def place(self, column: int) -> int:
        """Return where a column that is not plain is in a row; -1 is none."""
        return sum(form is not Form.PLAIN for form in self.forms[:column]) if column >= 0 else -1

    def reach(self, width_us: int, *, folds: bool = True) -> None:
        """Keep what a window of a width needs, also in panes where it ``folds``."""
        if folds and width_us not in self.widths:
            self.widths.append(width_us)
        self.reach_us = max(self.reach_us, width_us + Ladder(width_us).step_us)

    def look(self, subject: Subject) -> Series | None:
        """Return the series that the transaction at hand sees without being in it; None where there is none.

        Raises:
            EvaluationError: the key is missing.
            LookupError: another transaction was taken since.

        """
        at = self.at
        if at.subject is not subject:
            raise LookupError(OVER)
        if at.missing is not None:
            raise EvaluationError(at.missing.code, str(at.missing))
        series = None if at.kept is None else at.kept.series[self.index]
        if self.money:
            series = in_currency(series, subject.transaction.currency)
        if series is not None:
            self.hi = bisect_right(series.times, at.time_us, series.start)
        self.subject, self.series, self.own, self.solo = subject, series, False, None
        return series

    def take(  # noqa: PLR0913, PLR0917 (called by text, see ``taking``)
        self,
        subject: Subject,
        kept: Kept,
        currency: str,
        cells: tuple[Any, ...],
        scales: tuple[int, ...],
        texts: tuple[Any, ...],
        batch: Batch,
        held: Partition,
    ) -> None:
        """Take the transaction at hand in, as ``taking`` writes it out where nothing is compiled.

        ``cells`` and ``scales`` are by the place in a row, ``texts`` are the plain values; ``currency`` is empty where
        there is one series for all.
        """
        series = kept.series[self.index]
        if self.money and series is not None and series.currency != currency:
            series = in_currency(series, currency)
        if series is None:
            series = self.begun(currency, kept, batch)
            series.scales = ALIKE.setdefault(scales, scales)
        self.subject, self.series = subject, series
        kept.size += series.layout.size
        times, time_us = series.times, self.at.time_us
        start, end = series.start, len(times)
        if start < end:
            if times[start] <= time_us - (self.reach_us + batch.lateness_us):
                start = self.expire(series, kept, batch)
            if start < end and (time_us < times[-1] or end - start >= batch.newest):
                self.put(series, kept, self._row(cells, scales, texts), batch, held)
                self.most, self.times = MANY, LATE
                return
        # As nearly always: the newest of a history that is not full.
        batch.undo.append(series)
        times.append(time_us)
        self.hi, self.own = end + 1, True
        self.most, self.times = (end + 1 - start, times) if series.ladders is None else (MANY, LATE)
        if cells:
            self._add(series, cells, scales, texts)
        elif texts:
            series.extend(texts)

    def _add(self, series: Series, cells: tuple[Any, ...], scales: tuple[int, ...], texts: tuple[Any, ...]) -> None:
        """Put the values of the newest transaction into their rows, at once where all are as nearly always."""
        if series.scales != scales or (GAP in cells and any(cells[place] == GAP for place in self._numbers())):
            series.add(self._row(cells, scales, texts))
            return
        try:
            series.cells.extend(cells)
        except (TypeError, OverflowError):
            series.mend(self._row(cells, scales, texts))
        else:
            if texts:
                series.extend(texts)

    def _numbers(self) -> list[int]:
        """Return where numbers are in a row."""
        return [self.place(column) for column, form in enumerate(self.forms) if form is Form.NUMBER]

    def _row(self, cells: tuple[Any, ...], scales: tuple[int, ...], texts: tuple[Any, ...]) -> list[Any]:
        """Return values as a series takes them where it does not take them at once."""
        rest, plain = iter(zip(cells, scales, strict=True)), iter(texts)
        row: list[Any] = []
        for form in self.forms:
            if form is Form.PLAIN:
                row.append(next(plain))
            else:
                value, scale = next(rest)
                row.append((value, scale) if form is Form.NUMBER and value is not None else value)
        return row

    def leave(self, kept: Kept) -> None:
        """Tell how many transactions there are at most of a value at hand whose transaction is not in it."""
        self.most, self.times = 0 if kept.series[self.index] is None else MANY, LATE

    def begun(self, currency: str, kept: Kept, batch: Batch) -> Series:
        """Return a series that begins with the transaction at hand, of one currency where that is not empty."""
        batch.begun += 1
        kept.size += SERIES_BYTES
        before = kept.series[self.index]
        series = kept.series[self.index] = Series(self.layout, shared(currency), before)
        if not kept.is_new:  # else all of it goes when the batch is undone
            batch.undo.append((kept.series.__setitem__, (self.index, before)))
        return series

    def expire(self, series: Series, kept: Kept, batch: Batch) -> int:
        """Let go what no window can reach any more, of a series that is not empty; return where it starts now."""
        horizon_us = kept.clock_us - batch.lateness_us - self.reach_us
        if series.times[series.start] <= horizon_us:
            if series.start == series.before:  # else it is there already
                batch.shrunk.append(series)
            kept.size -= series.expire(horizon_us, batch.undo)
        return series.start

    def put(self, series: Series, kept: Kept, row: Sequence[Any], batch: Batch, held: Partition) -> None:
        """Take the transaction at hand in, whatever its time, and however full the series is, which is not empty.

        That it takes another row is counted already.
        """
        time_us, times = self.at.time_us, series.times
        self.expire(series, kept, batch)
        full = len(times) - series.start >= batch.newest
        if full and time_us < times[series.start]:
            self.hi, self.own = series.start, False
            self.solo = fine(row, self.forms)
            batch.waiting.append((self, series, time_us, self.solo, kept, held))
            kept.size -= series.layout.size
            return
        self.hi = series.put(time_us, row, batch.undo) + 1
        self.own, self.solo = True, None
        if full:
            oldest = series.start
            folded = self.fold(series, times[oldest], fine(series.row(oldest), self.forms), kept, batch)
            kept.size += folded - series.layout.size
            series.start = oldest + 1
            batch.shrunk.append(series)

    def fold(self, series: Series, time_us: int, row: Sequence[Any], kept: Kept, batch: Batch) -> int:
        """Take a transaction into panes that is older than all that are kept one by one; return how they have grown.

        There are none for windows that cannot reach it any more, as short ones cannot where much is kept one by one.
        """
        if not self.folds:
            return 0
        if series.ladders is None:
            series.ladders = tuple(Ladder(width) for width in self.widths)
        grown, last_us = 0, kept.clock_us - batch.lateness_us
        for ladder in series.ladders:
            if time_us > last_us - ladder.width_us - ladder.step_us:
                grown += ladder.add(time_us, self.forms, row, batch.number, batch.undo)
        return grown
