"""The books of an audit: which input offsets were seen, and which outcomes name them. Pure."""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec
from pyroaring import BitMap64

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.contracts.coordinates import Coordinates

MAX_EXAMPLES: Final = 10


class Outcome(StrEnum):
    """What may become of a transaction: exactly one of these."""

    LEGIT = "legit"
    FRAUD = "fraud"
    DEAD_LETTER = "dead-letter"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found, below the committed offsets. ``outcomes`` adds up to ``input`` where all is well.

    ``lost`` and ``duplicated`` count input offsets, ``unknown`` outcomes whose origin is no input offset or cannot
    be read, ``unmarked`` records that were sent again to a branch without a marker among its dead letters, or markers
    without a record. ``unseen`` is input that is still there and was not judged, because retention has cut an output in
    which its outcome may have been. ``examples`` holds the first coordinates of each.
    """

    input: int
    outcomes: dict[str, int]
    lost: int
    duplicated: int
    unknown: int
    unmarked: int
    unseen: int
    examples: dict[str, list[str]]

    @property
    def clean(self) -> bool:
        """Tell whether every input offset has exactly one outcome, every outcome an input offset, and so on."""
        return not (self.lost or self.duplicated or self.unknown or self.unmarked)

    def line(self) -> str:
        """Return it as one line."""
        counted = " ".join(f"{outcome.value}={self.outcomes[outcome]}" for outcome in Outcome)
        line = f"audit: in={self.input} {counted} lost={self.lost} duplicated={self.duplicated}"
        unknown = f" unknown={self.unknown}" if self.unknown else ""
        unseen = f" (not judged: {self.unseen}, retention has cut the outputs)" if self.unseen else ""
        return line + unknown + (f" unmarked={self.unmarked}" if self.unmarked else "") + unseen


class Books:
    """Takes every record of input and outputs once, in any order; holds a bitmap a partition and outcome."""

    def __init__(self, beginnings: Mapping[int, int], committed: Mapping[int, int]) -> None:
        """Judge the input from ``beginnings`` to below ``committed``, offsets by partition of the input topic."""
        self._committed = dict(committed)
        self._floors = dict(beginnings)
        self._input: dict[int, BitMap64] = defaultdict(BitMap64)
        self._outcomes = {outcome: defaultdict[int, BitMap64](BitMap64) for outcome in Outcome}
        self._decided: dict[int, BitMap64] = defaultdict(BitMap64)
        self._twice: dict[int, BitMap64] = defaultdict(BitMap64)
        self._unreadable = 0
        self._retries: set[tuple[str, Coordinates]] = set()
        self._markers: set[tuple[str, Coordinates]] = set()

    @property
    def partitions(self) -> tuple[int, ...]:
        """Return the partitions of the input topic that are judged."""
        return tuple(self._committed)

    def add_input(self, place: Coordinates) -> None:
        """Note a record of the input topic."""
        if place.offset < self._committed.get(place.partition, 0):
            self._input[place.partition].add(place.offset)

    def add_outcome(self, outcome: Outcome, origin: Coordinates | None) -> None:
        """Note a record of an output, None where it does not say where it comes from."""
        if origin is None:
            self._unreadable += 1
            return
        # Whatever is decided beyond the committed offsets came after we looked: it is judged next time.
        if origin.offset >= self._committed.get(origin.partition, 0):
            return
        decided = self._decided[origin.partition]
        if origin.offset in decided:
            self._twice[origin.partition].add(origin.offset)
        decided.add(origin.offset)
        self._outcomes[outcome][origin.partition].add(origin.offset)

    def add_cut(self, partition: int, first: int | None) -> None:
        """Note that retention has cut an output, whose first origin in a partition is now ``first`` (None: none)."""
        least = self._committed.get(partition, 0) if first is None else first
        self._floors[partition] = max(self._floors.get(partition, 0), least)

    def add_retry(self, branch: str, place: Coordinates) -> None:
        """Note a record of a branch that says it was sent again: no outcome of its own, but it needs a marker."""
        self._retries.add((branch, place))

    def add_marker(self, branch: str, became: Coordinates) -> None:
        """Note a marker that says what a dead letter of a branch became."""
        self._markers.add((branch, became))

    def close(self) -> Report:
        """Compare the two sides, where both can be seen."""
        before = _size(self._input)
        for bitmaps in (self._input, self._decided, self._twice, *self._outcomes.values()):
            for partition, offsets in bitmaps.items():
                offsets.remove_range(0, self._floors.get(partition, 0))
        lost = {partition: seen - self._decided[partition] for partition, seen in self._input.items()}
        unknown = {partition: seen - self._input[partition] for partition, seen in self._decided.items()}
        unmarked = [f"{branch}:{place}" for branch, place in sorted(self._retries ^ self._markers)]
        return Report(
            input=_size(self._input),
            outcomes={outcome: _size(self._outcomes[outcome]) for outcome in Outcome},
            lost=_size(lost),
            duplicated=_size(self._twice),
            unknown=_size(unknown) + self._unreadable,
            unmarked=len(unmarked),
            unseen=before - _size(self._input),
            examples={
                "lost": _first(lost),
                "duplicated": _first(self._twice),
                "unknown": _first(unknown),
                "unmarked": unmarked[:MAX_EXAMPLES],
            },
        )


def _size(bitmaps: Mapping[int, BitMap64]) -> int:
    return sum(map(len, bitmaps.values()))


def _first(bitmaps: Mapping[int, BitMap64]) -> list[str]:
    def all_places() -> Iterator[str]:
        for partition, offsets in sorted(bitmaps.items()):
            yield from (f"{partition}:{offset}" for offset in offsets)

    return [place for place, _ in zip(all_places(), range(MAX_EXAMPLES), strict=False)]
