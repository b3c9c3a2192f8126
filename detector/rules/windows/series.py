"""The newest transactions that an aggregate may look at, in the order of time: columns of numbers, no objects."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from detector.rules.windows.numbers import rescaled

if TYPE_CHECKING:
    from collections.abc import Callable, MutableSequence, Sequence

    from detector.rules.windows.panes import Ladder

Undo = tuple["Callable[..., object]", tuple[Any, ...]]

# Stands in an array for no value; in a list that is None. A number as low goes into a list.
GAP: Final = -(1 << 63)
_HIGHEST: Final = (1 << 63) - 1


class Form(Enum):
    """How the values of a column are kept."""

    NUMBER = "number"  # whole numbers at a scale of the column; put in as (whole, scale)
    WHOLE = "whole"  # moments and durations
    HASH = "hash"  # what is only counted if it differs
    PLAIN = "plain"  # texts and truths, as they are


class Series:
    """Times in microseconds, ascending, equal ones in the order of the log, and a column for each value that is used.

    What stands before ``start`` is gone: expired or folded into panes. It is still there until the batch has its
    outcome, so that all since then can be undone. ``batch`` is the batch that changed it last, ``before`` its start and
    length before that. ``gaps`` are the columns that lack values of some transactions, as bits, the first the lowest.
    """

    __slots__ = ("batch", "before", "columns", "currency", "gaps", "ladders", "other", "scales", "start", "times")

    def __init__(self, forms: Sequence[Form], currency: str, other: Series | None, batch: int) -> None:
        """Begin one, of one currency where that is not empty; ``other`` is the same series of another currency."""
        self.times: array[int] = array("q")
        # Tuples of arrays and numbers: there are many series, and the collector does not walk what holds no objects.
        self.columns: tuple[MutableSequence[Any], ...] = tuple(
            [] if form is Form.PLAIN else array("q") for form in forms
        )
        self.scales: tuple[int, ...] | None = (0,) * len(forms) if Form.NUMBER in forms else None
        self.start = self.gaps = 0
        self.currency = currency
        self.other = other
        self.batch = batch
        self.before = (0, 0)
        self.ladders: tuple[Ladder, ...] | None = None

    def touch(self, batch: int, horizon_us: int) -> None:
        """Begin to change it in a batch: what no window can reach any more leaves, for good now and then."""
        times = self.times
        if self.start < len(times) and times[self.start] <= horizon_us:
            self.start = bisect_right(times, horizon_us, self.start)
        if self.start > len(times) // 2 or self.start > 64:  # noqa: PLR2004 (half of it, or much)
            for column in (times, *self.columns):
                del column[: self.start]
            self.start = 0
        if self.ladders:
            for ladder in self.ladders:
                ladder.expire(horizon_us)
        self.batch = batch
        self.before = (self.start, len(times))

    def append(self, time_us: int, row: Sequence[Any]) -> None:
        """Take in a transaction that is at least as new as all others; of what it has no value, that is None."""
        self.times.append(time_us)
        for number, value in enumerate(row):
            self._append(number, value)

    def put(self, time_us: int, row: Sequence[Any], undo: list[Undo]) -> int:
        """Take a transaction in and return its place; only what comes late is put between others."""
        times = self.times
        if not times or time_us >= times[-1]:
            self.append(time_us, row)
            return len(times) - 1
        place = bisect_right(times, time_us, self.start)
        times.insert(place, time_us)
        for number, value in enumerate(row):
            # Appended first, since a column may have to change for its value.
            self._append(number, value)
            column = self.columns[number]
            column.insert(place, column.pop())
        undo.append((self._remove, (place,)))
        return place

    def _append(self, number: int, value: Any) -> None:  # noqa: ANN401 (a value of the column's form)
        column = self.columns[number]
        if value is None:
            self.gaps |= 1 << number
            column.append(GAP if type(column) is array else None)
            return
        if type(value) is tuple:
            value, scale = value
            held = self.scales[number] if self.scales is not None else 0
            if scale != held:
                value = self._aligned(number, value, scale, held)
            column = self.columns[number]
        if type(column) is array and not GAP < value <= _HIGHEST:
            column = self._replace(number, _listed(column))
        column.append(value)

    def _aligned(self, number: int, whole: int, scale: int, held: int) -> int:
        """Return a whole number at the scale of its column, which grows where it has to."""
        if scale > held and self.scales is not None:
            self.scales = (*self.scales[:number], scale, *self.scales[number + 1 :])
            if self.columns[number]:
                column = _listed(self.columns[number])
                finer = [None if one is None else rescaled(one, held, scale) for one in column]
                self._replace(number, _packed(finer))
            return whole
        return rescaled(whole, scale, held)

    def _replace(self, number: int, column: MutableSequence[Any]) -> MutableSequence[Any]:
        self.columns = (*self.columns[:number], column, *self.columns[number + 1 :])
        return column

    def row(self, place: int) -> list[Any]:
        """Return what a transaction was put in with."""
        found: list[Any] = []
        for number, column in enumerate(self.columns):
            value = column[place]
            if type(column) is array and value == GAP:
                value = None
            elif self.scales is not None and self.scales[number]:
                value = None if value is None else (value, self.scales[number])
            found.append(value)
        return found

    def between(self, number: int, lo: int, hi: int) -> Sequence[Any]:
        """Return the values of a column from ``lo`` up to before ``hi``, without its gaps."""
        column = self.columns[number]
        found = column if lo == 0 and hi == len(column) else column[lo:hi]
        if self.gaps >> number & 1:
            gap = GAP if type(column) is array else None
            return [one for one in found if one != gap]
        return found

    def _remove(self, place: int) -> None:
        for column in (self.times, *self.columns):
            del column[place]

    def restore(self) -> None:
        """Make it what it was at its last touch, when all that was put between others since is removed."""
        self.start, length = self.before
        for column in (self.times, *self.columns):
            del column[length:]


def _listed(column: Sequence[Any]) -> list[Any]:
    return [None if one == GAP else one for one in column] if type(column) is array else list(column)


def _packed(column: list[Any]) -> MutableSequence[Any]:
    """Return a column as an array where all of its values fit into one."""
    if all(one is None or GAP < one <= _HIGHEST for one in column):
        return array("q", [GAP if one is None else one for one in column])
    return column
