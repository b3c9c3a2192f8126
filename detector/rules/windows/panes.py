"""What is beyond the newest transactions of a series: sums and the like, by spans of 1/64 of a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from detector.rules.windows.distinct import remember
from detector.rules.windows.numbers import MOST_DECIMALS, rescaled
from detector.rules.windows.series import Form
from detector.rules.windows.sizes import pane_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.rules.windows.series import Undo

PARTS: Final = 64  # of a window, each a pane
MOST: int = 128  # panes, the newest: the window and as much again for those who come late


class Cell:
    """A column in a pane: of how many transactions it has values, and when the first and the last of those were.

    Numbers have 34 decimals. ``smallest`` are hashes.
    """

    __slots__ = ("count", "first", "first_us", "greatest", "last", "last_us", "least", "smallest", "squares", "sum")

    def __init__(self) -> None:
        """Begin without a value."""
        self.count = self.first_us = self.last_us = 0
        self.first: Any = None
        self.last: Any = None
        self.least: Any = None
        self.greatest: Any = None
        self.sum: int = 0
        self.squares: int = 0
        self.smallest: set[int] = set()

    def add(self, time_us: int, form: Form, value: Any) -> None:  # noqa: ANN401 (a value of the form)
        """Add a value of the transaction that is the newest in the log of all that have its time."""
        if not self.count:
            self.first_us = self.last_us = time_us
            self.first = self.last = self.least = self.greatest = value
        elif time_us < self.first_us:
            self.first_us, self.first = time_us, value
        if time_us >= self.last_us:
            self.last_us, self.last = time_us, value
        self.count += 1
        if form is Form.HASH:
            remember(self.smallest, value)
        elif form is not Form.PLAIN:
            self.sum += value
            self.squares += value * value
            if value < self.least:
                self.least = value
            elif value > self.greatest:
                self.greatest = value

    def copy(self) -> Cell:
        """Return another that is the same."""
        other = Cell()
        other.count, other.first_us, other.last_us = self.count, self.first_us, self.last_us
        other.first, other.last, other.least, other.greatest = self.first, self.last, self.least, self.greatest
        other.sum, other.squares = self.sum, self.squares
        if self.smallest:
            other.smallest = self.smallest.copy()
        return other


class Pane:
    """A span of time: how many transactions, and a cell for each column."""

    __slots__ = ("batch", "cells", "count")

    def __init__(self, batch: int, columns: int) -> None:
        """Begin one that holds nothing yet."""
        self.batch = batch
        self.count = 0
        self.cells = [Cell() for _ in range(columns)]

    def add(self, time_us: int, forms: Sequence[Form], row: Sequence[Any]) -> None:
        """Add a transaction, the newest in the log of all that have its time."""
        for cell, form, value in zip(self.cells, forms, row, strict=True):
            if value is not None:
                cell.add(time_us, form, value)
        self.count += 1

    def copy(self, batch: int) -> Pane:
        """Return another that is the same, for a batch to change."""
        other = Pane(batch, 0)
        other.count = self.count
        other.cells = [cell.copy() for cell in self.cells]
        return other


def fine(row: Sequence[Any], forms: Sequence[Form]) -> list[Any]:
    """Return a row as panes take it: numbers with 34 decimals."""
    found = []
    for value, form in zip(row, forms, strict=True):
        if form is not Form.NUMBER or value is None:
            found.append(value)
        else:
            whole, scale = value if type(value) is tuple else (value, 0)
            found.append(rescaled(whole, scale, MOST_DECIMALS))
    return found


class Ladder:
    """The panes for windows of one width, by number: pane n begins n widths of a pane after 1970."""

    __slots__ = ("panes", "step_us", "width_us")

    def __init__(self, width_us: int) -> None:
        """Begin without panes."""
        self.width_us = width_us
        self.step_us = max(1, width_us // PARTS)
        self.panes: dict[int, Pane] = {}

    def add(self, time_us: int, forms: Sequence[Form], row: Sequence[Any], batch: int, undo: list[Undo]) -> int:
        """Fold a transaction into its pane, and return how all have grown; of too many panes, the oldest leaves."""
        number = time_us // self.step_us
        pane = self.panes.get(number)
        grown = 0 if pane is None else -pane_bytes(pane)
        if pane is None or pane.batch != batch:
            undo.append((self._put, (number, pane)))
            pane = self.panes[number] = Pane(batch, len(forms)) if pane is None else pane.copy(batch)
        pane.add(time_us, forms, row)
        grown += pane_bytes(pane)
        if len(self.panes) > MOST:
            oldest = min(self.panes)
            left = self.panes.pop(oldest)
            undo.append((self._put, (oldest, left)))
            grown -= pane_bytes(left)
        return grown

    def between(self, begin_us: int, end_us: int) -> list[Pane]:
        """Return the panes that overlap the times after a begin, up to an end, in their order."""
        least, most = (begin_us + 1) // self.step_us, end_us // self.step_us
        return [self.panes[number] for number in sorted(self.panes) if least <= number <= most]

    def expire(self, horizon_us: int, undo: list[Undo]) -> int:
        """Drop what is over at a horizon, and return what it took."""
        freed = 0
        for number in [number for number in self.panes if (number + 1) * self.step_us <= horizon_us]:
            pane = self.panes.pop(number)
            undo.append((self._put, (number, pane)))
            freed += pane_bytes(pane)
        return freed

    def _put(self, number: int, pane: Pane | None) -> None:
        if pane is None:
            self.panes.pop(number, None)
        else:
            self.panes[number] = pane
