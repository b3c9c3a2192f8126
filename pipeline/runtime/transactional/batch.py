"""What one poll returned, together with the membership under which it was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from kafka.structs import OffsetAndMetadata, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.runtime.pieces import Piece

Read = Callable[[list[Any]], Sequence["Piece"]]  # makes pieces of what was polled of a partition


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll returned. ``membership`` is the group metadata taken directly behind that poll.

    ``token`` is committed with the offsets: by it a batch knows its own again. ``positions`` are offsets to commit of
    partitions in which nothing was polled, by which there may be no records at all. ``read`` makes pieces of what was
    polled of a partition. ``floors`` are offsets that were committed before, of partitions that are read from below
    them once more: what is committed never goes back.
    """

    polled: dict[TopicPartition, list[Any]]
    membership: Any
    read: Read
    token: str = ""
    positions: Mapping[TopicPartition, int] = field(default_factory=dict)
    floors: Mapping[TopicPartition, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of records."""
        return sum(map(len, self.pieces()))

    def mean_bytes(self) -> float:
        """Return about how many bytes key and value of a record have."""
        return sum(piece.size() for piece in self.pieces()) / max(1, len(self))

    def pieces(self) -> Iterator[Piece]:
        """Return what was polled, each partition's in its order."""
        return chain.from_iterable(map(self.read, self.polled.values()))

    def reached(self) -> dict[TopicPartition, int]:
        """Return by partition the offset behind its last record."""
        return {**self.positions, **{place: self.read(polled)[-1].end for place, polled in self.polled.items()}}

    def ends(self) -> dict[TopicPartition, OffsetAndMetadata]:
        """Return what the transaction commits."""
        return {
            place: OffsetAndMetadata(max(end, self.floors.get(place, 0)), self.token)
            for place, end in self.reached().items()
        }
