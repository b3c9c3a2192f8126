"""Makes of a packed bucket what was kept there."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Final

from detector.rules.windows.chunk import BrokenBucketError, KeyColumns, ViewColumns, decoded, hashable
from detector.rules.windows.kept import Kept
from detector.rules.windows.panes import Cell, Ladder, Pane
from detector.rules.windows.series import Series
from detector.rules.windows.sharing import shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.rules.windows.kept import Bucket, Partition
    from detector.rules.windows.plan import Key, Plan
    from detector.rules.windows.view import View

_NO_BATCH: Final = -1  # whatever changes it next belongs to another


def unpack(plan: Plan, held: Partition, number: int, packed: bytes) -> int:
    """Keep what was packed of a bucket, which is empty so far; return how many series it has.

    Raises:
        BrokenBucketError: it is not as it was packed, or not by this plan.

    """
    lost_us, keys = decoded(packed)
    if [len(one.views) for one in keys] != [len(key.views) for key in plan.keys]:
        raise BrokenBucketError("it has other series than the rules ask for")
    bucket = held.bucket(number)
    bucket.lost_us = lost_us
    try:
        return sum(
            _key(key, columns, held.values[place], bucket, place)
            for place, (key, columns) in enumerate(zip(plan.keys, keys, strict=True))
        )
    except (IndexError, TypeError, ValueError) as error:
        raise BrokenBucketError(f"its columns do not fit to each other: {error}") from None


def _key(key: Key, columns: KeyColumns, every: dict[Any, Kept], bucket: Bucket, place: int) -> int:
    values = [one if type(one) is str else hashable(one) for one in columns.values]
    views = [_chains(view, one, len(values)) for view, one in zip(key.views, columns.views, strict=True)]
    clocks, seen, sizes = (_array("q", one) for one in (columns.clocks, columns.seen, columns.sizes))
    doubts = columns.doubts
    count, begun = len(views), 0
    for number, value in enumerate(values):
        kept = every[value] = Kept(count, _NO_BATCH, bucket)
        kept.clock_us = kept.settled_us = clocks[number]
        kept.seen_us = kept.before_us = seen[number]
        kept.size = kept.before = sizes[number]
        kept.doubt = doubts.get(number) if doubts else None
        kept.series = [view[number] for view in views]
    bucket.values[place] += values
    for one in columns.views:
        begun += len(one.rows)
    return begun // array("I").itemsize


def _chains(view: View, columns: ViewColumns, values: int) -> Sequence[Series | None]:
    """Return the first series of each value, or None."""
    found = _series(view, columns)
    chains = _array("H", columns.chains)
    if len(chains) != values or sum(chains) != len(found):
        raise BrokenBucketError("its columns do not fit to each other")
    if len(found) == values == sum(map(bool, chains)):
        return found  # one for each, as nearly always
    firsts: list[Series | None] = []
    at = 0
    for length in chains:
        firsts.append(found[at] if length else None)
        for number in range(at, at + length - 1):
            found[number].other = found[number + 1]
        at += length
    return firsts


def _series(view: View, columns: ViewColumns) -> list[Series]:
    layout, wide, texts_wide = view.layout, view.layout.cells, view.layout.texts
    times, cells, texts = _array("q", columns.times), _array("q", columns.cells), columns.texts
    texts = [shared(one) if type(one) is str else one for one in texts]
    scaled = _array("I", columns.scaled)
    # Most series have the same scales: one tuple for all of them.
    scales = [tuple(one) for one in columns.scales]
    currencies = [shared(one) for one in columns.currencies]
    found: list[Series] = []
    at = cells_at = texts_at = 0
    for number, rows in enumerate(_array("I", columns.rows)):
        one = Series(layout, currencies[number] if view.money else "", None, times[at : at + rows])
        at += rows
        large = columns.large.get(number) if columns.large else None
        if large is None:
            end = cells_at + rows * wide
            one.cells, one.scales = cells[cells_at:end], scales[scaled[number]]
            cells_at = end
        else:
            one.scales, one.cells = large
        if texts_wide:
            end = texts_at + rows * texts_wide
            one.texts = texts[texts_at:end]
            texts_at = end
        found.append(one)
    if (at, cells_at, texts_at) != (len(times), len(cells), len(texts)):
        raise BrokenBucketError("its columns do not fit to each other")
    for number, gaps in columns.gaps.items():
        found[number].gaps = gaps
    for number, ladders in columns.panes.items():
        pairs = zip(view.widths, ladders, strict=True)
        found[number].ladders = tuple(_ladder(width_us, panes) for width_us, panes in pairs)
    return found


def _ladder(width_us: int, panes: list[Any]) -> Ladder:
    ladder = Ladder(width_us)
    for number, count, cells in panes:
        pane = ladder.panes[number] = Pane(_NO_BATCH, 0)
        pane.count = count
        pane.cells = [_cell(one) for one in cells]
    return ladder


def _cell(packed: list[Any]) -> Cell:
    cell = Cell()
    if packed:
        cell.count, cell.first_us, cell.last_us, ends, smallest = packed
        cell.first, cell.last, cell.least, cell.greatest, cell.sum, cell.squares = ends
        cell.smallest = set(smallest)
    return cell


def _array(code: str, data: bytes) -> array[int]:
    found = array(code)
    found.frombytes(data)
    return found
