"""Aggregates as text: a window that is looked at by every transaction costs little more than the calls it takes.

``reading`` does the same by calls, for all other cases and where it is compiled (see ``way``).
"""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from detector.rules.expressions.code import function as function_of
from detector.rules.windows.at import MANY
from detector.rules.windows.numbers import CENT, PLAIN_WHOLE, POWERS, SMALL, counted, decimal_of
from pipeline.contracts.money import decimals_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.rules.windows.reading import Reader
    from detector.rules.windows.view import View

# As text, since a window that is looked at by every transaction costs little more than the calls it takes. What is
# written out is the transaction that is in its history, of which the window has nothing in panes; others have a call.
_READ: Final = """if reader.subject is s: return reader.held
series = view.series if view.subject is s else view.look(s)
if series is not None and view.own and (series.ladders is None or series.times[series.start] <= at.base_us - width_us):
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
QUICK: Final = {
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
if place >= series.start: return least == 1 or series.times[place] > at.base_us - width_us
return series.ladders is not None and series.times[series.start] > at.base_us - width_us"""
# A whole number that the sum is not above.
_CEILING: Final = """if view.subject is not s or not view.own: return many
series = view.series
if series.gaps: return many
times, lo, hi, begin_us = series.times, series.start, view.hi, at.base_us - width_us
if times[lo] <= begin_us:
    lo = hi - 1 if lo == hi - 1 or times[hi - 2] <= begin_us else bisect_right(times, begin_us, lo, hi)
elif series.ladders is not None: return many
step = view.stride
begin = lo * step + place
whole = series.cells[begin] if hi - lo == 1 else sum(series.cells[begin : hi * step : step])
return whole // powers[series.scales[place]] + 1"""
# Aggregates that are not above the number of transactions, and have a value whenever the key has one.
COUNTS: Final = {"count", "count_distinct"}


def write(reader: Reader, function: str, view: View, width_us: int, place: int) -> Callable[..., Any] | None:
    """Give a reader what gets its value, and return what gets its limit; None where it has none.

    ``place`` is that of its column in a row.
    """
    held = {
        "reader": reader, "view": view, "at": view.at, "width_us": width_us, "place": place, "money": view.money,
        "empty": reader.empty, "small": SMALL, "smalls": len(SMALL), "one": SMALL[1], "bisect_right": bisect_right,
        "counted": counted, "decimal_of": decimal_of, "decimals_of": decimals_of, "Decimal": Decimal, "cent": CENT,
        "plain": PLAIN_WHOLE,
    }  # fmt: skip
    lines = _READ.format(QUICK.get(function, f"found = {_ANY}")).split("\n")
    reader.value = function_of("read", "s", lines, held)
    if function in COUNTS:
        return function_of("reaches", "s, least", _REACHES.split("\n"), held)
    if function == "sum":
        return function_of("ceiling", "s", _CEILING.split("\n"), {**held, "many": MANY, "powers": POWERS})
    return None
