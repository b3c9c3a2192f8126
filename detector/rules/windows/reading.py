"""Aggregates of what a view shows: of slices of columns, or of panes and what is beside them."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final

from detector.rules.expressions.kinds import EvaluationError
from detector.rules.windows.computing import COMPUTE, EMPTY, Slice, nothing
from detector.rules.windows.folded import FOLDED, Folded
from detector.rules.windows.numbers import counted
from detector.rules.windows.series import Form
from pipeline.contracts.money import decimals_of

if TYPE_CHECKING:
    from detector.rules.subject import Subject
    from detector.rules.windows.series import Series
    from detector.rules.windows.view import View

OVER: Final = "a transaction sees its histories until the next is taken"


class Reader:
    """One aggregate of one window of a view, the same one for all rules that ask for it."""

    def __init__(self, view: View, function: str, column: int | None, width_us: int) -> None:
        self._view = view
        self._function = function
        self._compute = COMPUTE[function]
        self._column = -1 if column is None else column
        self._form = Form.WHOLE if column is None else view.forms[column]
        self._width_us = width_us
        self._subject: Subject | None = None
        self._held: Any = None

    def value(self, subject: Subject) -> Any:  # noqa: ANN401 (a value of any kind)
        """Return its value for the transaction at hand.

        Raises:
            EvaluationError: the key is missing, or there is nothing to aggregate.
            LookupError: another transaction was taken since.

        """
        if self._subject is not subject:
            self._held = self._read(subject)
            self._subject = subject
        return self._held

    def _read(self, subject: Subject) -> Any:  # noqa: ANN401 (a value of any kind)
        view = self._view
        if view.subject is not subject:
            raise LookupError(OVER)
        if view.missing is not None:
            raise EvaluationError(view.missing.code, str(view.missing))
        series = view.look()
        least = decimals_of(subject.transaction.currency) if view.money else 0
        if series is None:
            return self._empty(least)
        begin_us, times, lo = view.base_us - self._width_us, series.times, series.start
        if view.solo is not None:
            return self._folded(series, begin_us, least)
        if lo < len(times) and times[lo] > begin_us:
            if series.ladders is not None:
                return self._folded(series, begin_us, least)
        else:
            lo = bisect_right(times, begin_us, lo, view.hi)
            if view.own and lo == view.hi:
                lo -= 1  # too late for its own window: it sees itself
        if lo == view.hi:
            return self._empty(least)
        if self._function == "count":
            return counted(view.hi - lo)
        return self._compute(Slice(series, lo, view.hi, view.own, self._column, self._form, least))

    def _empty(self, least: int) -> Any:  # noqa: ANN401 (a value of any kind)
        if self._function not in EMPTY:
            raise nothing()
        return EMPTY[self._function](least)

    def _folded(self, series: Series, begin_us: int, least: int) -> Any:  # noqa: ANN401 (a value of any kind)
        view = self._view
        panes, hi = [], view.hi
        if begin_us < view.time_us:
            for ladder in series.ladders or ():
                if ladder.width_us == self._width_us:
                    panes = ladder.between(begin_us, view.time_us)
        elif view.solo is not None:
            hi = series.start  # too late for its own window: it sees itself
        found = Folded(panes, series, hi, view.own, view.solo, view.time_us, self._column, self._form, least)
        if not found.number:
            return self._empty(least)
        return FOLDED[self._function](found)
