"""The memory of the rules: the histories of all keys, by partition of the log that is read."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from detector.rules.subject import Subject
from detector.rules.windows.evicting import evict
from detector.rules.windows.gate import Gate
from detector.rules.windows.kept import KNOWN_US, Kept, Partition
from detector.rules.windows.packing import pack
from detector.rules.windows.sizes import UNBOUNDED
from detector.rules.windows.taking import Take, take_of
from detector.rules.windows.unpacking import unpack
from detector.rules.windows.view import NEWEST

if TYPE_CHECKING:
    from collections.abc import Collection

    from detector.rules.windows.gate import Known
    from detector.rules.windows.plan import Plan
    from detector.rules.windows.series import Series, Undo
    from detector.rules.windows.view import View
    from pipeline.contracts.messages import Transaction


FROZEN_AFTER: int = 2_000  # series: few enough that the collector has not walked them often by then


class Batch:
    """What has changed since the last outcome, and how to undo it, the latest first.

    ``begun`` is how many series have begun since the collector was told of them, ``shrunk`` are those with room to give
    back. ``waiting`` are transactions that go into panes as soon as they are judged themselves. What is touched by most
    transactions notes itself how it was: an object for each would keep the collector busy.
    """

    __slots__ = ("begun", "lateness_us", "newest", "number", "shrunk", "touched", "undo", "waiting")

    def __init__(self, lateness_us: int, newest: int) -> None:
        """Begin with nothing changed."""
        self.lateness_us = lateness_us
        self.newest = newest
        self.number = 0
        self.undo: list[Undo] = []
        self.touched: list[Kept] = []
        self.shrunk: list[Series] = []
        self.begun = 0
        self.waiting: list[tuple[View, Series, int, list[Any], Kept, Partition]] = []

    def begin(self) -> None:
        """Begin the next one."""
        for series in self.shrunk:
            series.trim()
        self.shrunk.clear()
        self.undo.clear()
        self.touched.clear()
        self.number += 1

    def abort(self) -> None:
        """Undo all of it, and begin the next one."""
        self.waiting.clear()
        for one in reversed(self.undo):
            if isinstance(one, tuple):
                undo, arguments = one
                undo(*arguments)
            else:
                one.pop()
        for series in self.shrunk:
            series.restart()
        for kept in self.touched:
            kept.restore()
        self.begin()

    def fold(self) -> None:
        """Take what waits into panes."""
        for view, series, time_us, row, kept, held in self.waiting:
            grown = view.fold(series, time_us, row, kept, self)
            kept.size += grown
            held.size += grown
        self.waiting.clear()


def _not_taken(_partition: int, _timestamp_ms: int, transaction: Transaction) -> Subject:
    return Subject(transaction)


class Windows:
    """The histories that a plan asks for. All of it is a function of the logs, whatever was aborted in between.

    State is by partition: a key of one partition knows nothing of the same key in another. Single-threaded.

    ``take(partition, timestamp_ms, transaction)`` takes a transaction into memory and returns it as rules see it, with
    its histories, until the next is taken. ``partition`` is that of the log it was read from, ``timestamp_ms`` the
    record's time there in milliseconds since 1970, which bounds clocks. Transactions come in the order of their
    partition. It is staged until the outcome of its batch is told. This is also how a log is replayed: nothing is
    evaluated but what is remembered.
    """

    def __init__(self, plan: Plan, newest: int = NEWEST) -> None:
        """Begin with no history; ``newest`` transactions of a series are kept one by one."""
        self._keys = plan.keys
        self.batch = Batch(plan.lateness_us, newest)
        self.partitions: dict[int, Partition] = {}
        self._plan = plan
        self._known_us = plan.reach_us + KNOWN_US
        self._most = UNBOUNDED
        self.take: Take = self._take()
        self._gated: Take | None = None

    def _take(self) -> Take:
        return take_of(self._plan, self) if self._keys else _not_taken

    @property
    def remembers(self) -> bool:
        """Tell whether there is anything to remember: no rule looks at a history otherwise."""
        return bool(self._keys)

    def take_over(self, before: Windows) -> None:
        """Share the histories of another, whose plan has the same shape, and what is staged in them."""
        self.partitions, self.batch = before.partitions, before.batch
        self.take, self._gated = self._take(), None

    def begun(self, partition: int) -> Partition:
        """Return what is kept of a partition's keys, which is nothing yet."""
        found = self.partitions[partition] = Partition([len(key.views) for key in self._keys], self._most)
        return found

    def limit(self, most: int) -> None:
        """Let each partition take so many bytes from now on, as ``sizes`` counts them."""
        self._most = most
        for held in self.partitions.values():
            held.most = most

    def take_evicted(self) -> int:
        """Return how many values were evicted for good since this was asked last."""
        return sum(held.take_evicted() for held in self.partitions.values())

    @property
    def size(self) -> int:
        """What all partitions take in bytes, as ``sizes`` counts them; also for another thread."""
        return sum(max(0, held.size) for held in list(self.partitions.values()))

    @property
    def values(self) -> int:
        """How many values of keys have histories; also for another thread."""
        return sum(len(values) for held in list(self.partitions.values()) for values in held.values)

    def evict(self, held: Partition) -> None:
        """Let go what a partition has too much of; between two of its records alone."""
        evict(held, self._known_us, self.batch.undo)

    def observe(self, partition: int, offset: int | None, timestamp_ms: int, transaction: Transaction) -> None:
        """Take a transaction of a log that is read again into what does not know it yet, by its offset there."""
        held = self.partitions.get(partition)
        gate = None if held is None else held.gate
        if held is None or gate is None or offset is None:
            self.take(partition, timestamp_ms, transaction)
            return
        gate.offset = offset
        if self._gated is None:
            self._gated = take_of(self._plan, self, gated=True)
        self._gated(partition, timestamp_ms, transaction)
        self.batch.fold()
        gate.follow(held, self._known_us, self.batch.undo)

    def pack(self, partition: int, bucket: int) -> bytes:
        """Return what is kept in a bucket, which counts as unchanged from now on; only while nothing is staged."""
        held = self.partitions[partition]
        held.sweep(bucket, held.newest_us - self._known_us)
        held.buckets[bucket].changed = False
        return pack(self._plan, held, bucket)

    def unpack(self, partition: int, bucket: int, packed: bytes) -> None:
        """Keep what was packed of a bucket that is empty here.

        Raises:
            BrokenBucketError: it is not as it was packed.

        """
        held = self.partitions.get(partition) or self.begun(partition)
        self.batch.begun += unpack(self._plan, held, bucket, packed)

    def forget(self, partition: int) -> None:
        """Keep nothing of a partition; only while nothing is staged."""
        self.partitions.pop(partition, None)

    def known(self, partition: int, known: Known) -> None:
        """Note what a snapshot knows of a partition beside its buckets; its log is read on from where that began."""
        held = self.partitions.get(partition) or self.begun(partition)
        held.begin_at(known.newest_us, known.evicted_us)
        held.gate, held.size = Gate(known), -UNBOUNDED
        held.gate.follow(held, self._known_us, self.batch.undo)
        held.settle()

    def open(self, partition: int) -> None:
        """Take what a snapshot knows as it is, where its log was read on; only while nothing is staged."""
        held = self.partitions[partition]
        if held.gate is not None:
            held.gate.open(held, self.batch.undo)
            self.committed()

    def committed(self) -> None:
        """Take for good what was taken since the last outcome."""
        batch = self.batch
        batch.fold()
        for held in self.partitions.values():
            if held.size > held.most:
                self.evict(held)
        batch.begin()
        for held in self.partitions.values():
            held.settle()
        if batch.begun > FROZEN_AFTER:
            # Histories live long and refer to nothing that refers to them. Whatever else is garbage goes first, then
            # the collector never walks them again: it would take more time than the rules.
            gc.collect()
            gc.freeze()
            batch.begun = 0

    def aborted(self) -> None:
        """Undo all that was taken since the last outcome: the histories are what they were then."""
        self.batch.abort()
        for held in self.partitions.values():
            held.restore()

    def keep(self, partitions: Collection[int]) -> None:
        """Drop the histories of all partitions but these, such as those that go to another process.

        What waits for an outcome is dropped, in all of them.
        """
        self.aborted()
        for partition in self.partitions.keys() - set(partitions):
            del self.partitions[partition]
