"""Aggregates of what a view shows: of slices of columns, or of panes and what is beside them."""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from detector.rules.expressions.code import Code, bound, code
from detector.rules.windows import way
from detector.rules.windows.at import MANY
from detector.rules.windows.computing import COMPUTE, EMPTY, Slice, nothing
from detector.rules.windows.folded import FOLDED, Folded
from detector.rules.windows.numbers import POWERS, SMALL, counted, decimal_of
from detector.rules.windows.series import Form
from detector.rules.windows.written import COUNTS, QUICK, write
from pipeline.contracts.money import decimals_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.rules.subject import Subject
    from detector.rules.windows.series import Series
    from detector.rules.windows.view import View


class Reader:
    """One aggregate of one window of a view, the same one for all rules that ask for it.

    ``value`` returns its value for the transaction at hand, calculated once. It raises EvaluationError where the key is
    missing or there is nothing to aggregate, and LookupError where another transaction was taken since. ``reaches``
    returns what holds wherever it is at least a whole number above 0, the quickest first; all of it holds where that
    cannot be told quickly.
    """

    __slots__ = (
        "_column", "_compute", "_form", "_function", "_limit", "_mine", "_place", "_view", "_width_us", "held",
        "subject", "value",
    )  # fmt: skip

    def __init__(self, view: View, function: str, column: int | None, width_us: int, mine: Code | None) -> None:
        """Read a window of a view; ``mine`` is what the transaction at hand adds to a sum, where that is plain to see.

        ``column`` is None for ``count`` alone.
        """
        self._view = view
        self._mine = mine
        self._function = function
        self._compute = COMPUTE[function]
        self._column = -1 if column is None else column
        self._form = Form.WHOLE if column is None else view.forms[column]
        self._width_us = width_us
        self._place = view.place(self._column)
        self.value: Callable[[Subject], Any]
        self.subject: Subject | None = None
        self.held: Any = None
        self._limit: Callable[..., Any] | None = None
        if function in COUNTS or mine is not None:
            view.count()
        if way.COMPILED:
            self.value = self.calculated
            self._limit = self.may_reach if function in COUNTS else self.ceiling if function == "sum" else None
        else:
            self._limit = write(self, function, view, width_us, self._place)

    def reaches(self, least: int) -> tuple[Code, ...]:
        """Return what holds wherever the value is at least a whole number above 0, or there is none."""
        if self._limit is None:
            return ()
        limit, view, wanted = bound(self._limit), bound(self._view), bound(least)
        begin = code(f"{{}}.base_us - {self._width_us}", bound(self._view.at))
        if self._function == "sum":
            reached = code("({}(s) >= {})", limit, wanted)
            if self._mine is None:
                return (reached,)
            # Alone in its window, it has to be as much itself, or the next whole number is.
            alone = "({} > {} or {}.most > 1 and {}.times[-2] > {})"
            return code(alone, self._mine, bound(Decimal(least - 1)), view, view, begin), reached
        young = [code(f"({{}}.times[-{least}] > {{}})", view, begin)] if least > 1 else []
        return code("({}.most >= {})", view, wanted), *young, code("{}(s, {})", limit, wanted)

    def calculated(self, subject: Subject) -> Any:  # noqa: ANN401 (a value of any kind)
        """Return the value, as ``written`` writes it out where nothing is compiled."""
        if self.subject is subject:
            return self.held
        view = self._view
        series = view.series if view.subject is subject else view.look(subject)
        if series is None:
            found = self.empty(subject)
        elif view.own and not self._is_folded(series):
            found = self._quickly(subject, series, self._begin(series, view.hi), view.hi)
        else:
            found = self.otherwise(subject, series)
        self.subject, self.held = subject, found
        return found

    def _is_folded(self, series: Series) -> bool:
        """Tell whether the window of a transaction that is in its history may have something in panes."""
        return series.ladders is not None and series.times[series.start] > self._view.at.base_us - self._width_us

    def _begin(self, series: Series, hi: int) -> int:
        """Return where the window of a transaction begins that is in its history, and has nothing in panes."""
        times, lo, begin_us = series.times, series.start, self._view.at.base_us - self._width_us
        if times[lo] > begin_us:
            return lo
        # Most windows that are short hold nothing else. Too late for its own window, it sees itself all the same.
        return hi - 1 if lo == hi - 1 or times[hi - 2] <= begin_us else bisect_right(times, begin_us, lo, hi)

    def _quickly(self, subject: Subject, series: Series, lo: int, hi: int) -> Any:  # noqa: ANN401 (a value of any kind)
        function = self._function
        if function == "count":
            return counted(hi - lo)
        if function == "previous":
            return self.previous(subject, series, lo, hi - 2)
        if series.gaps or function not in QUICK:
            return self.computed(subject, series, lo, hi)
        if function == "sum":
            return decimal_of(self._whole(series, lo, hi), series.scales[self._place], self._least(subject))
        if hi - lo == 1:
            return SMALL[1]
        step = self._view.stride
        return counted(len(set(series.cells[lo * step + self._place : hi * step : step])))

    def _whole(self, series: Series, lo: int, hi: int) -> int:
        """Return the sum of a column without gaps, at its scale."""
        step = self._view.stride
        begin = lo * step + self._place
        whole: int = series.cells[begin] if hi - lo == 1 else sum(series.cells[begin : hi * step : step])
        return whole

    def may_reach(self, subject: Subject, least: int) -> bool:
        """Tell whether so many transactions may be in the window, as ``written``."""
        view = self._view
        series = view.series
        if view.subject is not subject or not view.own or series is None:
            return True
        place = view.hi - least
        if place < series.start:
            return self._is_folded(series)
        return least == 1 or series.times[place] > view.at.base_us - self._width_us

    def ceiling(self, subject: Subject) -> int:
        """Return a whole number that the sum is not above, as ``written``."""
        view = self._view
        series = view.series
        if view.subject is not subject or not view.own or series is None or series.gaps or self._is_folded(series):
            return MANY
        power: int = POWERS[series.scales[self._place]]
        return self._whole(series, self._begin(series, view.hi), view.hi) // power + 1

    def otherwise(self, subject: Subject, series: Series) -> Any:  # noqa: ANN401 (a value of any kind)
        """Return the aggregate of a window that may be in panes, or of a transaction that is not in its history."""
        view = self._view
        begin_us, times, lo, hi = view.at.base_us - self._width_us, series.times, series.start, view.hi
        if view.solo is not None and not view.own:
            return self.folded(subject, series, begin_us)
        if lo < len(times) and times[lo] > begin_us:
            if series.ladders is not None:
                return self.folded(subject, series, begin_us)
        else:
            lo = bisect_right(times, begin_us, lo, hi)
            if view.own and lo == hi:
                lo -= 1  # too late for its own window: it sees itself
        return self.empty(subject) if lo == hi else self.computed(subject, series, lo, hi)

    def computed(self, subject: Subject, series: Series, lo: int, hi: int) -> Any:  # noqa: ANN401 (a value of any kind)
        """Return the aggregate of a slice."""
        least = self._least(subject)
        return self._compute(Slice(series, lo, hi, self._view.own, self._column, self._form, least))

    def previous(self, subject: Subject, series: Series, lo: int, place: int) -> Any:  # noqa: ANN401 (a value of any kind)
        """Return the newest value up to a place."""
        while place >= lo:
            value = series.at(self._column, place)
            if value is not None:
                if self._form is not Form.NUMBER:
                    return value
                return decimal_of(value, series.scale(self._column), self._least(subject))
            place -= 1
        raise nothing()

    def empty(self, subject: Subject) -> Any:  # noqa: ANN401 (a value of any kind)
        """Return the aggregate of nothing."""
        if self._function not in EMPTY:
            raise nothing()
        return EMPTY[self._function](self._least(subject))

    def folded(self, subject: Subject, series: Series, begin_us: int) -> Any:  # noqa: ANN401 (a value of any kind)
        """Return the aggregate of panes, and of what is beside them."""
        view, least = self._view, self._least(subject)
        panes, hi, solo = [], view.hi, None if view.own else view.solo
        if begin_us < view.at.time_us:
            for ladder in series.ladders or ():
                if ladder.width_us == self._width_us:
                    panes = ladder.between(begin_us, view.at.time_us)
        elif solo is not None:
            hi = series.start  # too late for its own window: it sees itself
        found = Folded(panes, series, hi, view.own, solo, view.at.time_us, self._column, self._form, least)
        if not found.number:
            return self.empty(subject)
        return FOLDED[self._function](found)

    def _least(self, subject: Subject) -> int:
        return decimals_of(subject.transaction.currency) if self._view.money else 0
