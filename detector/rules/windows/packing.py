"""Packs a bucket of keys: all that counts of it, so that whoever unpacks it counts the same."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from detector.rules.windows.chunk import KeyColumns, ViewColumns, encoded, plain

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from detector.rules.windows.kept import Kept, Partition
    from detector.rules.windows.panes import Cell, Ladder
    from detector.rules.windows.plan import Plan
    from detector.rules.windows.series import Series
    from detector.rules.windows.view import View


def pack(plan: Plan, held: Partition, bucket: int) -> bytes:
    """Return what is kept in a bucket of a partition, while nothing is staged."""
    found = held.buckets[bucket]
    keys = []
    for number, key in enumerate(plan.keys):
        values = _ordered(found.values[number])
        every = held.values[number]
        kept = [every[value] for value in values]
        views = [_view(view, kept) for view in key.views]
        clocks = array("q", [one.clock_us for one in kept])
        seen = array("q", [one.seen_us for one in kept])
        sizes = array("q", [one.size for one in kept])
        doubts = {at: one.doubt for at, one in enumerate(kept) if one.doubt is not None}
        arrays = (clocks.tobytes(), seen.tobytes(), sizes.tobytes())
        keys.append(KeyColumns([plain(value) for value in values], *arrays, views, doubts))
    return encoded(found.lost_us, keys)


def _ordered(values: list[Hashable]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=repr)


class _Columns:
    """The columns of a view, as far as series were added."""

    def __init__(self) -> None:
        self.chains, self.rows, self.scaled = array("H"), array("I"), array("I")
        self.times, self.cells = array("q"), array("q")
        self.currencies: list[str] = []
        self.scales: dict[tuple[int, ...], int] = {}
        self.texts: list[Any] = []
        self.gaps: dict[int, Any] = {}
        self.large: dict[int, list[Any]] = {}
        self.panes: dict[int, list[Any]] = {}

    def add(self, series: Series) -> None:
        """Add a series."""
        number, layout, start = len(self.rows), series.layout, series.start
        self.rows.append(len(series.times) - start)
        self.times += series.times[start:]
        cells = series.cells[start * layout.cells :]
        if isinstance(cells, array):
            self.cells += cells
            scales = tuple(series.scales)
            self.scaled.append(self.scales.setdefault(scales, len(self.scales)))
        else:
            self.scaled.append(self.scales.setdefault((), len(self.scales)))
            self.large[number] = [list(series.scales), [plain(one) for one in cells]]
        if series.texts is not None:
            self.texts += map(plain, series.texts[start * layout.texts :])
        if series.gaps:
            self.gaps[number] = plain(series.gaps)
        if series.ladders is not None:
            self.panes[number] = [_ladder(one) for one in series.ladders]

    def made(self) -> ViewColumns:
        """Return them as they stand in a chunk."""
        arrays = (self.chains, self.rows, self.scaled, self.times, self.cells)
        chains, rows, scaled, times, cells = (one.tobytes() for one in arrays)
        scales = [list(one) for one in self.scales]
        return ViewColumns(
            chains, self.currencies, rows, scaled, scales, times, cells, self.texts, self.gaps, self.large, self.panes
        )


def _view(view: View, values: Sequence[Kept]) -> ViewColumns:
    columns = _Columns()
    for kept in values:
        chain, series = 0, kept.series[view.index]
        while series is not None:
            chain += 1
            if view.money:
                columns.currencies.append(series.currency)
            columns.add(series)
            series = series.other
        columns.chains.append(chain)
    return columns.made()


def _ladder(ladder: Ladder) -> list[Any]:
    return [
        [number, ladder.panes[number].count, [_cell(cell) for cell in ladder.panes[number].cells]]
        for number in sorted(ladder.panes)
    ]


def _cell(cell: Cell) -> list[Any]:
    if not cell.count:
        return []
    ends = (cell.first, cell.last, cell.least, cell.greatest, cell.sum, cell.squares)
    return [cell.count, cell.first_us, cell.last_us, _all(ends), sorted(cell.smallest)]


def _all(values: Iterable[Any]) -> list[Any]:
    return [plain(one) for one in values]
