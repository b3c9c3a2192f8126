"""A log of the past and a handler that remembers it, in memory: what each was asked is noted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.runtime.pieces import Made
from pipeline.runtime.transactional.restoring import STRETCH_SECONDS
from tests.unit.fake_kafka import Raw

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kafka.structs import TopicPartition

    from pipeline.contracts.records import Outgoing, Record
    from pipeline.runtime.handler import Place
    from pipeline.runtime.pieces import Piece

REACH_MS = 60_000


def known_as(place: Place) -> int | str:
    """Return the short name of a partition."""
    topic, number = place
    return number if topic == "input" else f"{topic}:{number}"


class RememberingHandler:
    """Remembers offsets by partition; ``seen`` holds for good, ``staged`` until an outcome.

    Partitions of the input go by their numbers, of other topics by ``<topic>:<number>``.
    """

    def __init__(self, reach_ms: int = REACH_MS) -> None:
        self.reach = reach_ms
        self.changes = 0
        self.seen: dict[int | str, list[int]] = {}
        self.staged: list[tuple[int | str, int]] = []
        self.kept: list[list[int | str]] = []

    def handle(self, record: Record) -> tuple[Outgoing, ...]:
        """Remember as well."""
        self.observe(record)
        return ()

    def observe(self, record: Record) -> None:
        """Remember until the outcome is known."""
        self.staged.append((known_as((record.topic, record.partition)), record.offset))

    def committed(self) -> None:
        """Take it for good."""
        for partition, offset in self.staged:
            self.seen.setdefault(partition, []).append(offset)
        self.staged.clear()

    def aborted(self) -> None:
        """Forget what was staged."""
        self.staged.clear()

    def assigned(self, kept: Collection[Place]) -> None:
        """Forget the others."""
        assert not self.staged
        self.kept.append([known_as(place) for place in sorted(kept)])
        self.seen = {partition: seen for partition, seen in self.seen.items() if partition in self.kept[-1]}

    def reach_ms(self) -> int:
        """Return what a test said."""
        return self.reach

    def memory(self) -> int:
        """Return how often a test has changed what is to be remembered."""
        return self.changes


class FakeLog:
    """Holds offsets from ``first`` on, of every partition; a read brings ``at_once`` of them, beyond the ends, too."""

    def __init__(self, first: int = 0, at_once: int = 2) -> None:
        self._first = first
        self._at_once = at_once
        self._next: dict[TopicPartition, int] = {}
        self._ends: Mapping[TopicPartition, int] = {}
        self.opened: list[dict[int | str, int]] = []
        self.closed = 0
        self.wrong: list[BaseException] = []
        self.clock = 0.0

    def now(self) -> float:
        """Return the time: every read takes as long as a stretch may."""
        return self.clock

    def open(self, ends: Mapping[Any, int], reach_ms: int, starts: Mapping[Place, int]) -> None:
        """Begin."""
        assert reach_ms == REACH_MS
        self.opened.append({known_as(place): end for place, end in ends.items()})
        self._ends = ends
        self._next = {place: starts.get(place, self._first) for place in sorted(ends)}

    def read(self) -> list[Piece] | None:
        """Return the next records of the first partition that has any."""
        self.clock += STRETCH_SECONDS
        if self.wrong:
            raise self.wrong.pop(0)
        for place, offset in self._next.items():
            if offset < self._ends[place]:
                self._next[place] += self._at_once
                found = [
                    Raw(at, topic=place.topic, partition=place.partition) for at in range(offset, self._next[place])
                ]
                return [Made(found)]
        return None

    def close(self) -> None:
        """Note it."""
        self.closed += 1


class FakeSnapshots:
    """Holds how far each partition came, found after ``reads`` looks, and puts that into the memory of a handler."""

    def __init__(self, handler: RememberingHandler, held: Mapping[Place, int], reads: int = 2) -> None:
        self._handler = handler
        self._held = held
        self._reads = reads
        self._left = 0
        self._ends: Mapping[Place, int] = {}
        self.left = 0
        self.rested: list[dict[int | str, int]] = []

    def open(self, ends: Mapping[Place, int]) -> None:
        """Begin."""
        self._ends, self._left = ends, self._reads

    def read(self) -> Mapping[Place, int] | None:
        """Look once more."""
        self._left -= 1
        if self._left > 0:
            return None
        found = {place: offset for place, offset in self._held.items() if offset <= self._ends.get(place, -1)}
        for place, offset in found.items():
            self._handler.staged += [(known_as(place), at) for at in range(offset)]
        return found

    def leave(self) -> None:
        """Note it."""
        self.left += 1

    def rest(self, stands: Mapping[Place, int]) -> None:
        """Note where memory stands."""
        assert not self._handler.staged
        self.rested.append({known_as(place): offset for place, offset in stands.items()})
