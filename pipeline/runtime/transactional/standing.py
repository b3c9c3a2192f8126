"""How far reading is: what keeps records from being handled as they come, and how many wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kafka.structs import OffsetAndMetadata, TopicPartition


class Standing(NamedTuple):
    """``why_not`` says why records are not handled as they come, and is empty where they are.

    ``lags`` is how many records wait in each partition that is read.
    """

    why_not: str
    lags: Mapping[TopicPartition, int] = {}


class Reach:
    """Where reading stands in each partition, and where it has to be to have caught up.

    A partition is caught up with, for as long as it is assigned, once all is handled that it had when it was.
    """

    def __init__(self) -> None:
        self._at: dict[TopicPartition, int] = {}
        self._ends: Mapping[TopicPartition, int] = {}
        self._targets: dict[TopicPartition, int] = {}

    def forget(self) -> None:
        """Forget all partitions: whether they are still assigned is not known."""
        self._at, self._ends, self._targets = {}, {}, {}

    def begin(self, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> None:
        """Begin to read these partitions at ``starts``; they end at ``ends`` now.

        Of those that are begun again, as behind a transaction that was undone, no more has to be caught up with than
        before: what came meanwhile is lag.
        """
        self._targets = {place: self._targets.get(place, end) for place, end in ends.items()}
        self._at, self._ends = dict(starts), ends

    def settled(self, ends: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        """Note what is committed."""
        self._at.update((place, end.offset) for place, end in ends.items())

    def standing(self, end_of: Callable[[Any], int | None], *, remembering: bool) -> Standing:
        """Return how it is; ``end_of`` is what was last heard of a partition's end, ``remembering`` is before reading.

        A marker of a transaction counts as a record, until its place is committed, within a second.
        """
        if not self._at:
            return Standing("no partition is assigned: others have them all")
        lags = {place: max(0, max(end_of(place) or 0, self._ends[place]) - at) for place, at in self._at.items()}
        if remembering:
            return Standing("what the rules look back to is being read", lags)
        behind = [f"{place.topic}:{place.partition}" for place, at in self._at.items() if at < self._targets[place]]
        if behind:
            return Standing(f"catching up with {', '.join(sorted(behind))}", lags)
        return Standing("", lags)
