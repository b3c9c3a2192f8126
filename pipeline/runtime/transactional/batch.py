"""What one poll returned, together with the membership under which it was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from kafka.structs import OffsetAndMetadata, TopicPartition

from pipeline.runtime.pieces import records_in_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.runtime.pieces import Piece

Read = Callable[[list[Any]], Sequence["Piece"]]  # makes pieces of what was polled of a partition


@dataclass(frozen=True)
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
        return self._records

    # Each is asked for several times a transaction, most of which hold a few records.

    @cached_property
    def pieces_of(self) -> Mapping[TopicPartition, Sequence[Piece]]:
        """What was polled of each partition, in its order."""
        return {place: self.read(polled) for place, polled in self.polled.items()}

    @cached_property
    def _records(self) -> int:
        return sum(map(records_in_all, self.pieces_of.values()))

    @cached_property
    def reached(self) -> Mapping[TopicPartition, int]:
        """By partition the offset behind its last record."""
        return {**self.positions, **{place: pieces[-1].end for place, pieces in self.pieces_of.items()}}

    @cached_property
    def ends(self) -> Mapping[TopicPartition, OffsetAndMetadata]:
        """What the transaction commits."""
        return {
            place: OffsetAndMetadata(max(end, self.floors.get(place, 0)), self.token)
            for place, end in self.reached.items()
        }

    def pieces(self) -> Iterator[Piece]:
        """Return what was polled, each partition's in its order."""
        return chain.from_iterable(self.pieces_of.values())

    def mean_bytes(self) -> float:
        """Return about how many bytes key and value of a record have."""
        return sum(piece.size() for piece in self.pieces()) / max(1, len(self))
