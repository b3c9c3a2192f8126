"""Brings what a handler remembers up to where reading begins: from snapshots where there are any, and from the log."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from kafka.structs import TopicPartition

from pipeline.runtime.places import named
from pipeline.runtime.snapshots import NoSnapshots
from pipeline.runtime.vitals import Figure, metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline.runtime.handler import Handler, Place
    from pipeline.runtime.pieces import Piece
    from pipeline.runtime.snapshots import Snapshots

logger = logging.getLogger(__name__)

STRETCH_SECONDS: Final = 0.5
TOLD_EVERY_SECONDS: Final = 2.0


class Log(Protocol):
    """Reads stretches of the topic that is handled, outside of the group."""

    def open(self, ends: Mapping[Place, int], reach_ms: int, starts: Mapping[Place, int]) -> None:
        """Begin at ``starts``, of partitions that are not in it as far before ``ends`` as the reach says.

        Raises:
            KafkaError: the cluster could not tell what it must.

        """
        ...

    def read(self) -> list[Piece] | None:
        """Return what comes next, at times nothing; None when all is read. It may go beyond the ends.

        Raises:
            KafkaError: no broker answers, or nothing comes although there is more.

        """
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Restoring:
    """Keeps a handler's memory at the offsets where reading begins.

    Partitions that stand where this process left them keep their memory: offsets only grow, so nobody has moved them
    on in between; where the same end was committed by another, ours was aborted and is not noted here. Of all others
    memory comes from the log, a stretch at a time: between two the consumer can be polled, or the group would take
    it for dead. Where there are snapshots of it, the log is read from those on.
    """

    def __init__(
        self,
        log: Log,
        handler: Handler,
        now: Callable[[], float] = time.monotonic,
        snapshots: Snapshots | None = None,
    ) -> None:
        self._log = log
        self._snapshots = snapshots or NoSnapshots()
        self._handler = handler
        self._now = now
        self._memory = handler.memory()
        self._left: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._starts: Mapping[TopicPartition, int] = {}
        self._known: dict[Place, int] = {}
        self._reading = False
        self._records = 0
        self._began = self._told = 0.0
        self._took: float | None = None

    @property
    def under_way(self) -> bool:
        """Tell whether there is anything left to remember before reading may begin."""
        return bool(self._ends)

    @property
    def outdated(self) -> bool:
        """Tell whether the handler wants other memory than it has; see :class:`Memory`."""
        return self._handler.memory() != self._memory

    def settled(self, ends: Mapping[TopicPartition, Any]) -> None:
        """Note offsets that this process has committed."""
        self._left.update((place, end.offset) for place, end in ends.items())

    def resumed(self, starts: Mapping[TopicPartition, int], committed: Mapping[TopicPartition, int | None]) -> None:
        """Keep what holds, and begin to remember the rest; see :class:`Memory`."""
        self.close()
        if self.outdated:
            self._left.clear()
            self._memory = self._handler.memory()
        self._left = {place: end for place, end in self._left.items() if committed.get(place) == end}
        self._handler.assigned(frozenset(self._left))
        missing = {place: start for place, start in starts.items() if place not in self._left}
        reach_ms = self._handler.reach_ms()
        if not (missing and reach_ms):
            return
        self._starts = missing
        self._ends = dict(missing)
        self._records = 0
        self._began = self._told = self._now()
        self._snapshots.open(missing)
        self._bring_back()

    def _bring_back(self) -> None:
        """Take what snapshots have for a moment, and begin with the log behind the last of it."""
        found = self._snapshots.read()
        self._handler.committed()
        if found is None:
            return
        self._known, self._reading = dict(found), True
        try:
            self._log.open(self._ends, self._handler.reach_ms(), found)
        except BaseException:
            self.close()
            raise

    def go_on(self) -> None:
        """Remember for half a second; see :class:`Memory`."""
        until = self._now() + STRETCH_SECONDS
        while self.under_way and self._now() < until:
            if not self._reading:
                self._bring_back()
                continue
            pieces = self._log.read()
            if pieces is None:
                self._took = self._now() - self._began
                self._tell("remembered what came before")
                self._left.update(self._starts)
                self.close()
                return
            for piece in pieces:
                self._observe(piece)
            self._handler.committed()
        if self._now() - self._told >= TOLD_EVERY_SECONDS:
            self._told = self._now()
            self._tell("remembering what came before")

    def _observe(self, piece: Piece) -> None:
        end: int | None = None
        for record in piece:
            if end is None:
                end = self._ends[TopicPartition(record.topic, record.partition)]
            if record.offset >= end:
                return
            self._handler.observe(record)
            self._records += 1

    def _tell(self, what: str) -> None:
        about = {"records": self._records, "seconds": round(self._now() - self._began, 1)}
        names = named(self._ends)
        snapshots = [names[place] for place in names if place in self._known]
        logger.info(what, extra={"partitions": list(names.values()), "from_snapshots": snapshots, **about})

    def rest(self) -> None:
        """Let snapshots be kept of what is remembered; see :class:`Memory`."""
        if not (self.under_way or self.outdated):
            self._snapshots.rest(self._left)

    def figures(self) -> Iterator[Figure]:
        """Return how long it took last, where it has come to its end; for another thread."""
        if self._took is not None:
            yield Figure(metrics.RESTORE_SECONDS, self._took)

    def close(self) -> None:
        """Leave off; what is not remembered then is begun anew."""
        if self._ends:
            self._ends, self._known = {}, {}
            self._snapshots.leave()
            if self._reading:
                self._log.close()
            self._reading = False
