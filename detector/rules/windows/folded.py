"""Aggregates of a window that reaches beyond the newest transactions: of panes, those beside them, and oneself."""

from __future__ import annotations

from operator import mul
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from detector.rules.windows.computing import nothing
from detector.rules.windows.distinct import estimated
from detector.rules.windows.numbers import MOST_DECIMALS, counted, decimal_of, deviation, mean, rescaled
from detector.rules.windows.series import Form

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from detector.rules.windows.panes import Cell, Pane
    from detector.rules.windows.series import Series


class Folded(NamedTuple):
    """Panes in their order, the transactions of a series up to before ``hi``, and the one at hand where it is ``solo``.

    Where it is ``own``, it is the last of the series' instead. Numbers have 34 decimals in all of it.
    """

    panes: list[Pane]
    series: Series
    hi: int
    own: bool
    solo: list[Any] | None
    time_us: int
    column: int
    form: Form
    least: int

    @property
    def cells(self) -> list[Cell]:
        """The column in the panes that have any value of it."""
        return [cell for pane in self.panes if (cell := pane.cells[self.column]).count]

    @property
    def values(self) -> list[Any]:
        """The column of those that are one by one, oneself included, as fine as in panes."""
        return [*map(self.fine, self.single), *self.myself]

    @property
    def myself(self) -> list[Any]:
        """The value of the transaction at hand where it stands alone and has one."""
        return [] if self.solo is None or self.solo[self.column] is None else [self.solo[self.column]]

    @property
    def single(self) -> Sequence[Any]:
        """The column of those of the series, as they are kept."""
        return self.series.between(self.column, self.series.start, self.hi)

    @property
    def few(self) -> list[Any]:
        """What the least and the greatest value is among."""
        single = self.single
        ends = [self.fine(min(single)), self.fine(max(single))] if single else []
        return [*ends, *self.myself]

    def fine(self, value: Any) -> Any:  # noqa: ANN401 (a value of any kind)
        """Return a value of the series, or a sum of them, as fine as in panes."""
        return rescaled(value, self.series.scale(self.column), MOST_DECIMALS) if self.form is Form.NUMBER else value

    @property
    def number(self) -> int:
        """How many transactions there are."""
        beside = self.hi - self.series.start + (self.solo is not None)
        return sum(pane.count for pane in self.panes) + beside

    @property
    def valued(self) -> int:
        """How many of them have a value."""
        return sum(cell.count for cell in self.cells) + len(self.single) + len(self.myself)

    @property
    def sum(self) -> int:
        """Their exact sum."""
        mine = sum(self.myself)
        total: int = sum([cell.sum for cell in self.cells], mine + self.fine(sum(self.single)))
        return total

    @property
    def squares(self) -> int:
        """The exact sum of their squares, with twice as many decimals."""
        mine = sum(one * one for one in self.myself)
        single = self.single
        beside: int = self.fine(self.fine(sum(map(mul, single, single))))
        total: int = sum([cell.squares for cell in self.cells], mine + beside)
        return total

    def shown(self, value: Any) -> Any:  # noqa: ANN401 (a value of any kind)
        """Return a value as expressions have it."""
        return decimal_of(value, MOST_DECIMALS, self.least) if self.form is Form.NUMBER else value

    def ordered(self, *, myself: bool) -> list[Any]:
        """Return the oldest and the newest value of each pane and of those one by one, in the order of time."""
        ends: list[tuple[int, int, Any]] = []
        for cell in self.cells:
            ends += [(cell.first_us, 0, cell.first), (cell.last_us, 0, cell.last)]
        if myself:
            ends += [(self.time_us, 1, one) for one in self.myself]
        held = self.series.between(self.column, self.series.start, self.hi - (self.own and not myself))
        ends.sort(key=lambda end: end[:2])
        found = [value for *_, value in ends]
        if held:
            # Only the first and the last of all are asked for.
            found += [self.fine(held[0]), self.fine(held[-1])]
        return found


def _most(found: Folded, value: Any) -> Any:  # noqa: ANN401 (a value of any kind)
    if value is None:
        raise nothing()
    return found.shown(value)


def _avg(found: Folded) -> Decimal:
    if not found.valued:
        raise nothing()
    return mean(decimal_of(found.sum, MOST_DECIMALS, found.least), found.valued)


def _stddev(found: Folded) -> Decimal:
    count = found.valued
    if count < 2:  # noqa: PLR2004 (a deviation is between two)
        raise nothing("a deviation takes two transactions")
    return deviation(count, found.sum, found.squares, MOST_DECIMALS)


def _end(found: Folded, at: int, *, myself: bool = True) -> Any:  # noqa: ANN401 (a value of any kind)
    values = found.ordered(myself=myself)
    if not values:
        raise nothing()
    return found.shown(values[at])


FOLDED: Final[dict[str, Callable[[Folded], Any]]] = {
    "count": lambda found: counted(found.number),
    "sum": lambda found: decimal_of(found.sum, MOST_DECIMALS, found.least),
    "avg": _avg,
    "min": lambda found: _most(found, min([*(cell.least for cell in found.cells), *found.few], default=None)),
    "max": lambda found: _most(found, max([*(cell.greatest for cell in found.cells), *found.few], default=None)),
    "stddev": _stddev,
    "count_distinct": lambda found: counted(estimated((cell.smallest for cell in found.cells), found.values)),
    "first": lambda found: _end(found, 0),
    "last": lambda found: _end(found, -1),
    "previous": lambda found: _end(found, -1, myself=False),
}
