"""The newest transactions that an aggregate may look at, in the order of time: rows of numbers, no objects."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Union

from detector.rules.windows.numbers import GAP, rescaled
from detector.rules.windows.sizes import row_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, MutableSequence, Sequence

    from detector.rules.windows.panes import Ladder

# A call; or a series, to which a transaction was appended: as nearly all are, so nothing is made to remember that.
Undo = Union[tuple["Callable[..., object]", tuple[Any, ...]], "Series"]

_HIGHEST: Final = (1 << 63) - 1


class Form(Enum):
    """How the values of a column are kept."""

    NUMBER = "number"  # whole numbers at a scale of the column; put in as (whole, scale)
    WHOLE = "whole"  # moments and durations
    HASH = "hash"  # what is only counted if it differs
    PLAIN = "plain"  # texts and truths, as they are


class Layout:
    """Where the columns are: ``places`` in a row of ``cells`` numbers, or of ``texts`` where they are plain.

    A row takes ``size`` bytes (see ``sizes``).
    """

    __slots__ = ("cells", "forms", "places", "size", "texts")

    def __init__(self, forms: Sequence[Form]) -> None:
        self.forms = tuple(forms)
        self.cells = self.texts = 0
        places = []
        for form in forms:
            if form is Form.PLAIN:
                places.append(self.texts)
                self.texts += 1
            else:
                places.append(self.cells)
                self.cells += 1
        self.places = tuple(places)
        self.size = row_bytes(self.cells, self.texts)


class Series:
    """Times in microseconds, ascending, equal ones in the order of the log, and a row of values for each.

    Rows stand one behind another in ``cells`` and ``texts``: who pays seldom has few pieces of memory that are touched.
    What stands before ``start`` is gone: expired or folded into panes. It is still there until the batch has its
    outcome, so that all since then can be undone; ``before`` is where it started then. ``gaps`` are the columns that
    lack values of some transactions, as bits, the first the lowest. ``scales`` are how many digits of a cell are
    decimals.

    Where a number is beyond 64 bits, ``cells`` is a list, and so is ``scales``: no tuple equals that, so what is
    written for arrays alone leaves it to ``add``.
    """

    __slots__ = (
        "before", "cells", "currency", "gaps", "ladders", "layout", "other", "scales", "start", "texts", "times",
    )  # fmt: skip

    def __init__(self, layout: Layout, currency: str, other: Series | None, times: array[int] | None = None) -> None:
        """Begin one, of one currency where that is not empty; ``other`` is the same series of another currency.

        ``times`` are there already where rows are about to follow.
        """
        self.layout = layout
        self.times: array[int] = array("q") if times is None else times
        self.cells: MutableSequence[Any] = array("q")
        self.texts: list[Any] | None = [] if layout.texts else None
        self.scales: Sequence[int] = (0,) * layout.cells
        self.start = self.before = self.gaps = 0
        self.currency = currency
        self.other = other
        self.ladders: tuple[Ladder, ...] | None = None

    def expire(self, horizon_us: int, undo: list[Undo]) -> int:
        """Let go what no window can reach any more; return what that took. ``restart`` undoes it, beside ``undo``."""
        begin = self.start
        start = self.start = bisect_right(self.times, horizon_us, begin)
        freed = (start - begin) * self.layout.size
        if self.ladders is not None:
            freed += sum(ladder.expire(horizon_us, undo) for ladder in self.ladders)
        return freed

    def restart(self) -> None:
        """Start where it did at the begin of the batch, of which nothing else is left."""
        self.start = self.before

    def trim(self) -> None:
        """Give back the room of what is gone, now and then; nothing of it can be undone any more."""
        start = self.start
        if start > len(self.times) // 2 or start > 64:  # noqa: PLR2004 (half of it, or much)
            del self.times[:start]
            del self.cells[: start * self.layout.cells]
            if self.texts is not None:
                del self.texts[: start * self.layout.texts]
            self.start = 0
        self.before = self.start

    def put(self, time_us: int, row: Sequence[Any], undo: list[Undo]) -> int:
        """Take a transaction in and return its place; only what comes late is put between others."""
        times = self.times
        if not times or time_us >= times[-1]:
            times.append(time_us)
            self.add(row)
            undo.append(self)
            return len(times) - 1
        place = bisect_right(times, time_us, self.start)
        times.insert(place, time_us)
        self._place(place, row)
        undo.append((self._remove, (place,)))
        return place

    def add(self, row: Sequence[Any]) -> None:
        """Put the values of the newest transaction behind the others; None for none."""
        self._place(len(self.times) - 1, row)

    def extend(self, texts: Sequence[Any]) -> None:
        """Put the plain values of the newest transaction behind the others, where its cells are there already."""
        if self.texts is not None:
            self.texts.extend(texts)
        if None in texts:
            plain = [number for number, form in enumerate(self.layout.forms) if form is Form.PLAIN]
            for number, text in zip(plain, texts, strict=True):
                if text is None:
                    self.gaps |= 1 << number

    def mend(self, row: Sequence[Any]) -> None:
        """Put the values of the newest transaction, some of which may be there already, behind the others."""
        del self.cells[(len(self.times) - 1) * self.layout.cells :]
        self.add(row)

    def _place(self, place: int, row: Sequence[Any]) -> None:
        wholes = [self._whole(number, value) for number, value in enumerate(row)]
        forms, width = self.layout.forms, self.layout.cells
        cells = [whole for whole, form in zip(wholes, forms, strict=True) if form is not Form.PLAIN]
        at = place * width
        if type(self.cells) is array:
            self.cells[at:at] = array("q", [GAP if one is None else one for one in cells])
        else:
            self.cells[at:at] = cells
        if self.texts is not None:
            at = place * self.layout.texts
            self.texts[at:at] = [one for one, form in zip(wholes, forms, strict=True) if form is Form.PLAIN]

    def _whole(self, number: int, value: Any) -> Any:  # noqa: ANN401 (a value of the column's form)
        """Return a value as its column takes it, which may have to change for it."""
        if value is None:
            self.gaps |= 1 << number
            return None
        if self.layout.forms[number] is Form.PLAIN:
            return value
        if type(value) is tuple:
            value, scale = value
            held = self.scales[self.layout.places[number]]
            if scale < held:
                value = rescaled(value, scale, held)
            elif scale > held:
                self._refine(self.layout.places[number], scale)
        if type(self.cells) is array and not GAP < value <= _HIGHEST:
            self._list()
        return value

    def _refine(self, place: int, scale: int) -> None:
        """Give a cell more decimals."""
        held, width = self.scales[place], self.layout.cells
        finer = [None if one is None else rescaled(one, held, scale) for one in self._listed(self.cells[place::width])]
        self.scales = type(self.scales)([*self.scales[:place], scale, *self.scales[place + 1 :]])  # type: ignore[call-arg]
        if type(self.cells) is array and any(one is not None and not GAP < one <= _HIGHEST for one in finer):
            self._list()
        if type(self.cells) is array:
            self.cells[place::width] = array("q", [GAP if one is None else one for one in finer])
        else:
            self.cells[place::width] = finer

    def _list(self) -> None:
        """Go over to numbers of any size."""
        self.cells, self.scales = self._listed(self.cells), list(self.scales)

    @staticmethod
    def _listed(cells: Sequence[Any]) -> list[Any]:
        return [None if one == GAP else one for one in cells] if type(cells) is array else list(cells)

    def scale(self, number: int) -> int:
        """Return how many digits of a column are decimals."""
        return 0 if self.layout.forms[number] is not Form.NUMBER else self.scales[self.layout.places[number]]

    def at(self, number: int, place: int) -> Any:  # noqa: ANN401 (a value of the column's form)
        """Return a value of a column; None where there is none."""
        at, layout = self.layout.places[number], self.layout
        if self.texts is not None and layout.forms[number] is Form.PLAIN:
            return self.texts[place * layout.texts + at]
        value = self.cells[place * layout.cells + at]
        return None if value == GAP and type(self.cells) is array else value

    def row(self, place: int) -> list[Any]:
        """Return what a transaction was put in with."""
        values = [self.at(number, place) for number in range(len(self.layout.forms))]
        return [
            (value, self.scale(number)) if value is not None and form is Form.NUMBER else value
            for number, (value, form) in enumerate(zip(values, self.layout.forms, strict=True))
        ]

    def between(self, number: int, lo: int, hi: int) -> Sequence[Any]:
        """Return the values of a column from ``lo`` up to before ``hi``, without its gaps."""
        at, layout = self.layout.places[number], self.layout
        gap = None
        found: Sequence[Any]
        if self.texts is not None and layout.forms[number] is Form.PLAIN:
            found = self.texts[lo * layout.texts + at : hi * layout.texts : layout.texts]
        else:
            found = self.cells[lo * layout.cells + at : hi * layout.cells : layout.cells]
            gap = GAP if type(self.cells) is array else None
        return [one for one in found if one != gap] if self.gaps >> number & 1 else found

    def _remove(self, place: int) -> None:
        del self.times[place]
        del self.cells[place * self.layout.cells : (place + 1) * self.layout.cells]
        if self.texts is not None:
            del self.texts[place * self.layout.texts : (place + 1) * self.layout.texts]

    def pop(self) -> None:
        """Undo that a transaction was appended."""
        self._remove(len(self.times) - 1)


def in_currency(series: Series | None, currency: str) -> Series | None:
    """Return the series of a currency; ``series`` is the first of several."""
    while series is not None and series.currency != currency:
        series = series.other
    return series
