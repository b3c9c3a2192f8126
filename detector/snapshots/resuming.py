"""Brings memory back from snapshots: of each partition the newest that is whole, a stretch at a time."""

from __future__ import annotations

import gc
import logging
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from detector.rules.windows.chunk import BrokenBucketError
from detector.snapshots.book import Book
from detector.snapshots.records import BrokenSnapshotError
from detector.snapshots.shelf import Shelf
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.reading import ReadingStalledError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from detector.snapshots.places import Places
    from pipeline.runtime.handler import Place

logger = logging.getLogger(__name__)

STRETCH_SECONDS: Final = 0.2


class Resumed(NamedTuple):
    """From where each log has to be read on, and what stands in the topic of it; of some partitions, nothing."""

    offsets: dict[Place, int]
    books: dict[Place, Book]


class Resuming:
    """Reads the topic and unpacks what fits. What cannot be read is told and passed over: the log has it as well.

    ``read`` yields the records of a partition of the topic; see :meth:`SnapshotsTopic.read`.
    """

    def __init__(
        self, places: Places, read: Callable[[int], Iterator[Any]], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._places = places
        self._read = read
        self._now = now
        self._found = Resumed({}, {})
        self._steps: Generator[None, None, None] | None = None

    def open(self, ends: Mapping[Place, int]) -> None:
        """Begin with these partitions, of which nothing is remembered; none is to know more than below its end."""
        self._found = Resumed({}, {place: Book(self._places.log(place), self._places.shape(place)) for place in ends})
        self._steps = self._all(dict(ends))

    def go_on(self) -> Resumed | None:
        """Read and unpack for a moment; return what was found when that is all."""
        until = self._now() + STRETCH_SECONDS
        # All that is made here stays: the collector would walk it again and again, and take a third of the time.
        collects = gc.isenabled()
        gc.disable()
        try:
            for _ in self._steps or ():
                if self._now() >= until:
                    return None
        finally:
            if collects:
                gc.enable()
        return self._found

    def close(self) -> None:
        """Leave off, and close what is open."""
        if self._steps is not None:
            self._steps.close()
            self._steps = None

    def _all(self, ends: dict[Place, int]) -> Generator[None, None, None]:
        if not self._places.alone:
            return  # another version's memory has to come from the log anyway
        targets: dict[int, list[Place]] = {}
        for place in sorted(ends):
            if self._places.windows(place).remembers:
                targets.setdefault(self._places.target(place), []).append(place)
            else:
                self._found.offsets[place] = ends[place]
        for target, places in targets.items():
            shelves = {place: Shelf(self._places.log(place)) for place in places}
            try:
                for record in self._read(target):
                    for shelf in shelves.values():
                        shelf.take(record.key, record.value)
                    yield
            except (KafkaError, ReadingStalledError) as error:
                told = str(error) or type(error).__name__
                logger.warning("snapshots cannot be read: %s; reading the log again instead", told)
                continue
            for place, shelf in shelves.items():
                yield from self._one(place, shelf, ends[place])

    def _one(self, place: Place, shelf: Shelf, end: int) -> Iterator[None]:
        windows, shape, (topic, partition) = self._places.windows(place), self._places.shape(place), place
        newest = None
        for manifest in shelf.manifests(shape, end):
            try:
                shelf.check(manifest)
                for bucket, packed in shelf.chunks(manifest):
                    windows.unpack(partition, bucket, packed)
                    yield
            except (BrokenSnapshotError, BrokenBucketError) as error:
                windows.forget(partition)
                logger.warning("the snapshot of %s:%d at %d is broken: %s", topic, partition, manifest.offset, error)
                continue
            except Exception:
                # Also a bug: whatever stands in a topic must not keep a detector from starting. The log has it as well.
                windows.forget(partition)
                logger.exception("the snapshot of %s:%d at %d cannot be used", topic, partition, manifest.offset)
                continue
            windows.known(partition, manifest.known())
            self._found.offsets[place] = manifest.offset
            newest = manifest
            break
        self._found.books[place] = Book(self._places.log(place), shape, newest, shelf.keys())
