"""The latest rows, by the places where their records stand: a page that was away goes on where it was. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dashboard.live.row import Row

KEPT: Final = 5_000  # rows

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
    """A ring of rows, in the order in which they came."""

    def __init__(self, kept: int = KEPT) -> None:
        self._rows: deque[Row] = deque(maxlen=kept)

    def take(self, row: Row) -> None:
        """Take the next row of its partition."""
        self._rows.append(row)

    def between(self, seen: Mapping[Place, int], ends: Mapping[Place, int], wanted: Filter) -> list[Row]:
        """Return the rows that stand behind what was seen, and before where their partitions end for now."""
        return [
            row
            for row in self._rows
            if seen.get(place := (row.topic, row.partition), 0) <= row.offset < ends.get(place, 0)
            and wanted.passes(row)
        ]


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
