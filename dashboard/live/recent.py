"""The latest rows, by the places where their records stand: a page that was away goes on where it was. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter, deque
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dashboard.live.row import Row

KEPT: Final = 5_000  # rows
COUNTED: Final = 500_000  # rows of a partition, of which no more than the offset is kept: four megabytes

Place = tuple[str, int]  # topic, partition
Positions = dict[Place, int]


class Filter(NamedTuple):
    """Which rows a page wants to see: all of what is None."""

    branch: str | None = None
    account: str | None = None
    rule: str | None = None

    def passes(self, row: Row) -> bool:
        """Tell whether a row is one of them."""
        if self.branch is not None and row.branch != self.branch:
            return False
        if self.account is not None and self.account not in {row.source, row.target}:
            return False
        return self.rule is None or any(reason.rule == self.rule for reason in row.reasons)


class Recent:
    """A ring of rows, in the order in which they came; of more rows it knows that they were there."""

    def __init__(self, kept: int = KEPT, counted: int = COUNTED) -> None:
        self._rows: deque[Row] = deque(maxlen=kept)
        self._counted = counted
        self._offsets: dict[Place, array[int]] = {}
        self._branches: dict[str, str] = {}  # by topic, each of which has one
        self._gone: Positions = {}  # behind what has left the ring
        self._uncounted: Positions = {}  # behind what is not even known to have been there

    def take(self, row: Row) -> None:
        """Take the next row of its partition."""
        if len(self._rows) == self._rows.maxlen:
            first = self._rows[0]
            self._gone[first.topic, first.partition] = first.offset + 1
        self._rows.append(row)
        place = (row.topic, row.partition)
        self._branches[row.topic] = row.branch
        self._uncounted.setdefault(place, row.offset)
        offsets = self._offsets.setdefault(place, array("q"))
        offsets.append(row.offset)
        if len(offsets) > self._counted:
            half = len(offsets) // 2
            self._uncounted[place] = offsets[half - 1] + 1
            del offsets[:half]

    def between(self, seen: Mapping[Place, int], ends: Mapping[Place, int], wanted: Filter) -> list[Row]:
        """Return the rows that stand behind what was seen, and before where their partitions end for now."""
        return [
            row
            for row in self._rows
            if seen.get(place := (row.topic, row.partition), 0) <= row.offset < ends.get(place, 0)
            and wanted.passes(row)
        ]

    def left(self, seen: Mapping[Place, int], ends: Mapping[Place, int], wanted: Filter) -> tuple[Counter[str], bool]:
        """Return how many rows have left the ring between these, by branch, and whether that is all of them.

        Of rows that have left only the branch is known: where accounts or rules are asked for, none is counted.
        """
        counts, is_all = Counter[str](), True
        for place, offsets in self._offsets.items():
            begin, branch = seen.get(place, 0), self._branches[place[0]]
            gone = min(self._gone.get(place, 0), ends.get(place, 0))
            if wanted.branch not in {None, branch}:
                continue
            if place in seen and begin < self._uncounted[place]:
                is_all = False
            if begin >= gone:
                continue
            if wanted.account is not None or wanted.rule is not None:
                is_all = False
                continue
            counts[branch] += bisect_left(offsets, gone) - bisect_left(offsets, begin)
        return counts, is_all


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(list[tuple[str, int, int]]).decode


def told(positions: Iterable[tuple[Place, int]]) -> str:
    """Return positions as the id of an event."""
    return _encode([(topic, partition, at) for (topic, partition), at in sorted(positions)]).decode()


def heard(text: str | None) -> Positions | None:
    """Return the positions of an event's id; None where it is none of ours."""
    try:
        return {(topic, partition): at for topic, partition, at in _decode((text or "")[:20_000])}
    except msgspec.MsgspecError:
        return None
