"""Aggregates of what a view shows: of slices of columns, or of panes and what is beside them."""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from detector.rules.expressions.code import Code, bound, code
from detector.rules.expressions.code import function as function_of
from detector.rules.windows import way
from detector.rules.windows.at import MANY
from detector.rules.windows.computing import COMPUTE, EMPTY, Slice, nothing
from detector.rules.windows.folded import FOLDED, Folded
from detector.rules.windows.numbers import CENT, PLAIN_WHOLE, POWERS, SMALL, counted, decimal_of
from detector.rules.windows.series import Form
from pipeline.contracts.money import decimals_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.rules.subject import Subject
    from detector.rules.windows.series import Series
    from detector.rules.windows.view import View

# As text, since a window that is looked at by every transaction costs little more than the calls it takes. What is
# written out is the transaction that is in its history, of which nothing is in panes; other cases have a call.
_READ: Final = """if reader.subject is s: return reader.held
series = view.series if view.subject is s else view.look(s)
if series is not None and view.own and series.ladders is None:
    times, lo, hi, begin_us = series.times, series.start, view.hi, at.base_us - width_us
    if times[lo] <= begin_us:
        # Most windows that are short hold nothing else. Too late for its own window, it sees itself all the same.
        lo = hi - 1 if lo == hi - 1 or times[hi - 2] <= begin_us else bisect_right(times, begin_us, lo, hi)
    {0}
else:
    found = empty(s) if series is None else reader.otherwise(s, series)
reader.subject, reader.held = s, found
return found"""
_ANY: Final = "reader.computed(s, series, lo, hi)"
# Quicker ways for those that are asked for by most rules, where there are no gaps.
_QUICK: Final = {
    "count": "found = small[hi - lo] if hi - lo < smalls else counted(hi - lo)",
    "sum": f"""if series.gaps: found = {_ANY}
    else:
        step = view.stride
        cells, scale, begin = series.cells, series.scales[place], lo * step + place
        whole = cells[begin] if hi - lo == 1 else sum(cells[begin : hi * step : step])
        least = decimals_of(s.transaction.currency) if money else 0
        cents = scale == least == 2 and -plain < whole < plain
        found = Decimal(whole) * cent if cents else decimal_of(whole, scale, least)""",
    "count_distinct": f"""step = view.stride
    if series.gaps: found = {_ANY}
    elif hi - lo == 1: found = one
    else: found = counted(len(set(series.cells[lo * step + place : hi * step : step])))""",
    "previous": "found = reader.previous(s, series, lo, hi - 2)",
}
# Whether so many transactions may be in the window: no, where the one that it takes is too old.
_REACHES: Final = """if view.subject is not s or not view.own: return True
series, place = view.series, view.hi - least
if series.ladders is not None: return True
return place >= series.start and (least == 1 or series.times[place] > at.base_us - width_us)"""
# A whole number that the sum is not above.
_CEILING: Final = """if view.subject is not s or not view.own: return many
series = view.series
if series.gaps or series.ladders is not None: return many
times, lo, hi, begin_us = series.times, series.start, view.hi, at.base_us - width_us
if times[lo] <= begin_us:
    lo = hi - 1 if lo == hi - 1 or times[hi - 2] <= begin_us else bisect_right(times, begin_us, lo, hi)
step = view.stride
begin = lo * step + place
whole = series.cells[begin] if hi - lo == 1 else sum(series.cells[begin : hi * step : step])
return whole // powers[series.scales[place]] + 1"""
# Aggregates that are not above the number of transactions, and have a value whenever the key has one.
_COUNTS: Final = {"count", "count_distinct"}


class Reader:
    """One aggregate of one window of a view, the same one for all rules that ask for it.

    ``value`` returns its value for the transaction at hand, calculated once. It raises EvaluationError where the key is
    missing or there is nothing to aggregate, and LookupError where another transaction was taken since. ``reaches``
    returns what holds wherever it is at least a whole number above 0, the quickest first; all of it holds where that
    cannot be told quickly.
    """

    __slots__ = (
        "_column", "_compute", "_form", "_function", "_limit", "_place", "_view", "_width_us", "held", "subject",
        "value",
    )  # fmt: skip

    def __init__(self, view: View, function: str, column: int | None, width_us: int) -> None:
        self._view = view
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
        if function in _COUNTS:
            view.count()
        if way.COMPILED:
            self.value = self.calculated
            self._limit = self.may_reach if function in _COUNTS else self.ceiling if function == "sum" else None
        else:
            self._write(function, width_us)

    def _write(self, function: str, width_us: int) -> None:
        """Write out what gets the value, and its limit."""
        view = self._view
        held = {
            "reader": self, "view": view, "at": view.at, "width_us": width_us, "place": self._place,
            "money": view.money, "empty": self.empty, "small": SMALL, "smalls": len(SMALL), "one": SMALL[1],
            "bisect_right": bisect_right, "counted": counted, "decimal_of": decimal_of, "decimals_of": decimals_of,
            "Decimal": Decimal, "cent": CENT, "plain": PLAIN_WHOLE,
        }  # fmt: skip
        lines = _READ.format(_QUICK.get(function, f"found = {_ANY}")).split("\n")
        self.value = function_of("read", "s", lines, held)
        if function in _COUNTS:
            self._limit = function_of("reaches", "s, least", _REACHES.split("\n"), held)
        elif function == "sum":
            self._limit = function_of("ceiling", "s", _CEILING.split("\n"), {**held, "many": MANY, "powers": POWERS})

    def reaches(self, least: int) -> tuple[Code, ...]:
        """Return what holds wherever the value is at least a whole number above 0, or there is none."""
        if self._limit is None:
            return ()
        limit = bound(self._limit)
        if self._function == "sum":
            return (code("({}(s) >= {})", limit, bound(least)),)
        return code("({}.most >= {})", bound(self._view), bound(least)), code("{}(s, {})", limit, bound(least))

    def calculated(self, subject: Subject) -> Any:  # noqa: ANN401 (a value of any kind)
        """Return the value, as ``_READ`` writes it out where nothing is compiled."""
        if self.subject is subject:
            return self.held
        view = self._view
        series = view.series if view.subject is subject else view.look(subject)
        if series is None:
            found = self.empty(subject)
        elif view.own and series.ladders is None:
            found = self._quickly(subject, series, self._begin(series, view.hi), view.hi)
        else:
            found = self.otherwise(subject, series)
        self.subject, self.held = subject, found
        return found

    def _begin(self, series: Series, hi: int) -> int:
        """Return where the window of a transaction begins that is in its history, of which nothing is in panes."""
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
        if series.gaps or function not in _QUICK:
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
        """Tell whether so many transactions may be in the window, as ``_REACHES``."""
        view = self._view
        series = view.series
        if view.subject is not subject or not view.own or series is None or series.ladders is not None:
            return True
        place = view.hi - least
        return place >= series.start and (least == 1 or series.times[place] > view.at.base_us - self._width_us)

    def ceiling(self, subject: Subject) -> int:
        """Return a whole number that the sum is not above, as ``_CEILING``."""
        view = self._view
        series = view.series
        if view.subject is not subject or not view.own or series is None or series.gaps or series.ladders is not None:
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
