"""Packs what rules remember between two transactions, a little at a time, and hands it to the writer."""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from detector.rules.windows.gate import Known, unwatched, watched
from detector.snapshots.records import Chunk, chunk_entries, manifest_entry
from pipeline.runtime.vitals import Figure, metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from detector.rules.windows.kept import Partition
    from detector.snapshots.book import Book
    from detector.snapshots.places import Places
    from detector.snapshots.records import Manifest
    from detector.snapshots.writer import Writer
    from pipeline.runtime.handler import Place

logger = logging.getLogger(__name__)

SHARE: Final = 0.1  # of the loop's time
MOST_SECONDS: Final = 0.05  # at a time, whatever it has waited before


@dataclass
class _Snapshot:
    """One that is under way, at ``offset`` or later; ``left`` are the buckets to pack.

    ``held`` is what it is of, None where that is nothing yet, and ``known`` how that stood at that offset.
    """

    token: int
    place: Place
    book: Book
    offset: int
    held: Partition | None
    known: Known
    left: list[int]
    began: float
    chunks: list[Chunk] = field(default_factory=list)
    manifest: Manifest | None = None
    removed: list[bytes] = field(default_factory=list)


class Keeping:
    """Keeps a snapshot of each partition that is known, the next ``interval`` seconds after the last began.

    One is under way at a time. Its buckets are packed one by one between transactions, each as it is then; so the later
    ones may know more of the log than the first, and the manifest says how far each does. While one is under way it
    takes a ``share`` of the loop's time, or a bucket at a time where that is more.
    """

    def __init__(
        self,
        places: Places,
        writer: Writer,
        interval: float,
        now: Callable[[], float] = time.monotonic,
        share: float = SHARE,
    ) -> None:
        self._places = places
        self._writer = writer
        self._interval = interval
        self._now = now
        self._share = share
        self._books: dict[Place, Book] = {}
        self._held: dict[Place, Partition | None] = {}
        self._due: dict[Place, float] = {}
        self._snapshot: _Snapshot | None = None
        self._count = 0
        self._budget = 0.0
        self._rested = now()
        self._outcomes = Counter[str]()
        self._last: tuple[float, int] | None = None

    def drop(self, places: Mapping[Place, int]) -> None:
        """Forget partitions whose memory begins anew."""
        for place in places:
            self._books.pop(place, None)

    def add(self, books: Mapping[Place, Book]) -> None:
        """Keep snapshots of partitions from now on; at once of those that have none."""
        now = self._now()
        for place, book in books.items():
            self._books[place] = book
            self._held[place] = self._places.held(place)
            self._due[place] = now if book.offset < 0 else now + self._interval

    def offsets(self) -> dict[Place, int]:
        """Return the offset of the newest snapshot of each partition, -1 where there is none."""
        return {place: book.offset for place, book in self._books.items()}

    def figures(self) -> Iterator[Figure]:
        """Return what became of snapshots, and of the last one how long it took and what was written; for a thread."""
        for outcome in ("written", "failed"):
            yield Figure(metrics.SNAPSHOTS, self._outcomes[outcome], (outcome,))
        if self._last is not None:
            seconds, size = self._last
            yield Figure(metrics.SNAPSHOT_SECONDS, seconds)
            yield Figure(metrics.SNAPSHOT_BYTES, size)

    def rest(self, stands: Mapping[Place, int]) -> None:
        """Pack for a moment, while nothing is staged; memory of each partition stands at these offsets."""
        now = self._now()
        self._budget = min(MOST_SECONDS, self._budget + self._share * (now - self._rested))
        self._rested = now
        self._follow(stands)
        self._settle()
        if self._snapshot is not None and self._books.get(self._snapshot.place) is not self._snapshot.book:
            if self._snapshot.held is not None:
                self._snapshot.held.evictions = None
            self._snapshot = None
        if self._snapshot is None:
            self._snapshot = self._next(stands, now)
        if self._snapshot is not None and self._snapshot.manifest is None:
            self._go_on(self._snapshot, stands)

    def _follow(self, stands: Mapping[Place, int]) -> None:
        """Drop what is not remembered any more, and begin anew where another memory is that of the rules in force."""
        for place in self._books.keys() - stands.keys():
            del self._books[place]
        for place, book in self._books.items():
            shape, before, held = self._places.shape(place), self._held[place], self._places.held(place)
            if held is not None and held.gate is not None:
                self._places.windows(place).open(place[1])  # its log was read on: that is over
            if shape != book.shape or (before is not held and before is not None):
                self._books[place] = book.anew(shape)
            self._held[place] = held

    def _next(self, stands: Mapping[Place, int], now: float) -> _Snapshot | None:
        for place in sorted(self._books, key=lambda one: self._due[one]):
            book = self._books[place]
            if self._due[place] > now or stands[place] <= book.offset:
                continue
            self._count += 1
            self._budget = 0.0
            held = self._held[place]
            # Nothing that was packed counts where no snapshot is there that has it.
            buckets = [] if held is None else held.changed() if book.offset >= 0 else sorted(held.buckets)
            known = Known() if held is None else watched(held)
            return _Snapshot(self._count, place, book, stands[place], held, known, buckets, now)
        return None

    def _go_on(self, snapshot: _Snapshot, stands: Mapping[Place, int]) -> None:
        target, book = self._places.target(snapshot.place), snapshot.book
        windows, partition = self._places.windows(snapshot.place), snapshot.place[1]
        while snapshot.left and self._budget >= 0 and self._writer.has_room:
            began = self._now()
            bucket = snapshot.left.pop()
            packed = windows.pack(partition, bucket)
            chunk = Chunk.of(bucket, stands[snapshot.place], packed)
            book.begun(chunk)
            snapshot.chunks.append(chunk)
            self._writer.put(snapshot.token, target, chunk_entries(book.log, book.shape, chunk, packed))
            self._budget -= self._now() - began
        if not snapshot.left and self._writer.has_room:
            held = snapshot.held
            known = snapshot.known if held is None else unwatched(held, snapshot.known)
            # Of what was nothing when it began, all comes from the log.
            end = snapshot.offset if held is None else stands[snapshot.place]
            manifest = book.next(snapshot.offset, end, known, snapshot.chunks)
            snapshot.removed = book.surplus(manifest)
            snapshot.manifest = manifest
            self._writer.end(snapshot.token, target, manifest_entry(book.log, manifest), snapshot.removed)

    def _settle(self) -> None:
        """Take what became of the snapshot that was handed over."""
        outcome, snapshot = self._writer.outcome(), self._snapshot
        if outcome is None or snapshot is None or outcome.token != snapshot.token or snapshot.manifest is None:
            return
        self._snapshot = None
        topic, partition = snapshot.place
        self._due[snapshot.place] = snapshot.began + self._interval
        self._outcomes["written" if outcome.failure is None else "failed"] += 1
        if outcome.failure is not None:
            held = self._held.get(snapshot.place)
            if held is not None and self._books.get(snapshot.place) is snapshot.book:
                held.mark([chunk.bucket for chunk in snapshot.chunks])
            return
        snapshot.book.written(snapshot.manifest, snapshot.removed)
        size = sum(chunk.size for chunk in snapshot.chunks)
        self._last = self._now() - snapshot.began, size
        about = {
            "partition": f"{topic}:{partition}",
            "offset": snapshot.offset,
            "buckets": len(snapshot.chunks),
            "bytes": size,
            "seconds": round(self._last[0], 1),
        }
        logger.info("snapshot written", extra=about)
