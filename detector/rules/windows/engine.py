"""The memory of the rules: the histories of all keys, by partition of the log that is read."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Final

from detector.rules.expressions.kinds import EvaluationError
from detector.rules.subject import Subject
from detector.rules.windows.clock import UNSET, moved
from detector.rules.windows.view import NEWEST
from pipeline.contracts.moments import microseconds_of

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

    from detector.rules.windows.plan import Plan
    from detector.rules.windows.series import Series, Undo
    from detector.rules.windows.view import View
    from pipeline.contracts.messages import Transaction


FROZEN_AFTER: Final = 20_000  # series


class Kept:
    """What is kept of one value of a key: its clock, the clock at the begin of the batch, and its series."""

    __slots__ = ("batch", "clock_us", "series", "settled_us")

    def __init__(self, count: int, batch: int) -> None:
        """Begin with so many series, none of which holds anything."""
        self.clock_us = self.settled_us = UNSET
        self.batch = batch
        self.series: list[Series | None] = [None] * count

    def restore(self) -> None:
        """Set the clock back to the begin of the batch."""
        self.clock_us = self.settled_us


class Batch:
    """What has changed since the last outcome, and how to undo it, the latest first.

    ``begun`` is how many series have begun since the collector was told of them. ``waiting`` are transactions that go
    into panes as soon as they are judged themselves. What is touched by most transactions notes itself how it was: an
    object for each would keep the collector busy.
    """

    __slots__ = ("begun", "lateness_us", "newest", "number", "touched_kept", "touched_series", "undo", "waiting")

    def __init__(self, lateness_us: int, newest: int) -> None:
        """Begin with nothing changed."""
        self.lateness_us = lateness_us
        self.newest = newest
        self.number = 0
        self.undo: list[Undo] = []
        self.touched_series: list[Series] = []
        self.touched_kept: list[Kept] = []
        self.begun = 0
        self.waiting: list[tuple[View, Series, int, list[Any]]] = []

    def begin(self) -> None:
        """Begin the next one."""
        self.undo.clear()
        self.touched_series.clear()
        self.touched_kept.clear()
        self.number += 1

    def abort(self) -> None:
        """Undo all of it, and begin the next one."""
        self.waiting.clear()
        for undo, arguments in reversed(self.undo):
            undo(*arguments)
        for series in self.touched_series:
            series.restore()
        for kept in self.touched_kept:
            kept.restore()
        self.begin()

    def touched(self, values: dict[Hashable, Kept], value: Hashable, count: int) -> Kept:
        """Return what is kept of a value, now to be changed; new, with so many series, where there is nothing."""
        kept = values.get(value)
        if kept is None:
            kept = values[value] = Kept(count, self.number)
            self.undo.append((values.pop, (value,)))
        else:
            kept.batch, kept.settled_us = self.number, kept.clock_us
            self.touched_kept.append(kept)
        return kept

    def fold(self) -> None:
        """Take what waits into panes."""
        for view, series, time_us, row in self.waiting:
            view.fold(series, time_us, row, self)
        self.waiting.clear()


class Windows:
    """The histories that a plan asks for. All of it is a function of the logs, whatever was aborted in between.

    State is by partition: a key of one partition knows nothing of the same key in another. Single-threaded.
    """

    def __init__(self, plan: Plan, newest: int = NEWEST) -> None:
        """Begin with no history; ``newest`` transactions of a series are kept one by one."""
        self._keys = plan.keys
        self._batch = Batch(plan.lateness_us, newest)
        self._partitions: dict[int, list[dict[Hashable, Kept]]] = {}

    @property
    def remembers(self) -> bool:
        """Tell whether there is anything to remember: no rule looks at a history otherwise."""
        return bool(self._keys)

    def take_over(self, before: Windows) -> None:
        """Take the histories of another over, whose plan has the same shape, and in which nothing is staged."""
        self._partitions = before._partitions
        self._batch.number = before._batch.number

    def take(self, partition: int, timestamp_ms: int, transaction: Transaction) -> Subject:
        """Take a transaction into memory and return it as rules see it, with its histories, until the next is taken.

        ``partition`` is that of the log it was read from, ``timestamp_ms`` the record's time there in milliseconds
        since 1970, which bounds clocks. Transactions come in the order of their partition. It is staged until the
        outcome of its batch is told. This is also how a log is replayed: nothing is evaluated but what is remembered.
        """
        subject = Subject(transaction)
        if not self._keys:
            return subject
        batch = self._batch
        if batch.waiting:
            batch.fold()
        time_us = microseconds_of(transaction.timestamp)
        held = self._partitions.get(partition) or self._partitions.setdefault(partition, [{} for _ in self._keys])
        for key, values in zip(self._keys, held, strict=True):
            try:
                value = key.value(subject)
            except EvaluationError as error:
                for view in key.views:
                    view.lack(subject, error)
                continue
            kept = values.get(value)
            if kept is None or kept.batch != batch.number:
                kept = batch.touched(values, value, len(key.views))
            if time_us > kept.clock_us:
                kept.clock_us = moved(kept.clock_us, time_us, timestamp_ms * 1000, batch.lateness_us)
            base_us = max(time_us, kept.clock_us - batch.lateness_us)
            if base_us > time_us:
                subject.late = True
            for view in key.views:
                view.take(subject, time_us, base_us, kept, batch)
        return subject

    def committed(self) -> None:
        """Take for good what was taken since the last outcome."""
        batch = self._batch
        batch.fold()
        batch.begin()
        if batch.begun > FROZEN_AFTER:
            # Histories live long and refer to nothing that refers to them. Whatever else is garbage goes first, then
            # the collector never walks them again: it would take more time than the rules.
            gc.collect()
            gc.freeze()
            batch.begun = 0

    def aborted(self) -> None:
        """Undo all that was taken since the last outcome: the histories are what they were then."""
        batch = self._batch
        batch.abort()

    def keep(self, partitions: Collection[int]) -> None:
        """Drop the histories of all partitions but these, such as those that go to another process.

        What waits for an outcome is dropped, in all of them.
        """
        self.aborted()
        for partition in self._partitions.keys() - set(partitions):
            del self._partitions[partition]
