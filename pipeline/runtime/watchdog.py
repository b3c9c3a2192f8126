"""Ends the process when a step outlives its deadline.

The client's ``commit_transaction`` and ``abort_transaction`` wait without an end. A process that hangs there holds
its partitions for ever; one that ends gives them back, and its successor goes on from the committed offsets.
"""

from __future__ import annotations

import faulthandler
import math
import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.errors import EXIT_SOFTWARE

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_SECONDS: Final = 1.0
MOST_BETWEEN_LOOKS_SECONDS: Final = 2 * LOOK_SECONDS


def end_process(step: str, seconds: float) -> None:
    """Say what hung, dump the stacks of all threads, and end without any clean-up that could hang as well."""
    sys.stderr.write(f"watchdog: {step} took over {seconds:g} s; ending the process, its successor goes on\n")
    sys.stderr.flush()
    faulthandler.dump_traceback(all_threads=True)
    os._exit(EXIT_SOFTWARE)


class _Step(NamedTuple):
    """What is watched: how many seconds it may take, and when it began, of the monotonic clock."""

    name: str
    seconds: float
    began: float


class Watchdog:
    """Watches one step at a time. ``expire`` is called on the watching thread, at most once a step.

    ``began`` is told at the begin of each step how many seconds it may take.

    The watching thread ends with its watchdog: it holds what is watched, and not the watchdog itself.
    """

    def __init__(
        self,
        expire: Callable[[str, float], None] = end_process,
        began: Callable[[float], None] = lambda _: None,
    ) -> None:
        self.watched, self.began = Watched(), began
        threading.Thread(target=self.watched.watch, args=(expire,), name="watchdog", daemon=True).start()
        weakref.finalize(self, self.watched.end)

    def step(self, name: str, seconds: float) -> _Allowed:
        """Allow the enclosed step ``seconds`` of time."""
        return _Allowed(self, name, seconds)


class _Allowed:
    """A step, for the time of a ``with`` block. There are several a transaction: a generator takes twice as long."""

    __slots__ = ("_name", "_seconds", "_watchdog")

    def __init__(self, watchdog: Watchdog, name: str, seconds: float) -> None:
        self._watchdog, self._name, self._seconds = watchdog, name, seconds

    def __enter__(self) -> None:
        self._watchdog.watched.set(_Step(self._name, self._seconds, time.monotonic()))
        self._watchdog.began(self._seconds)

    def __exit__(self, *_error: object) -> None:
        self._watchdog.watched.set(None)


class Watched:
    """The step under way, between the thread that takes it and the one that watches.

    There are hundreds of steps a second, and none should cost two changes of threads: the watching thread is woken
    only for a step that may end before it looks again, and finds out by itself that a step is over.

    Of the time from one look to the next no more counts than there should have been: a process that was frozen, by a
    container that is paused or a laptop that sleeps, did not hang.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._step: _Step | None = None
        self._asleep_until = 0.0
        self._ended = False

    def set(self, step: _Step | None) -> None:
        """Watch another step, or none."""
        with self._changed:
            self._step = step
            if step is not None and step.began + step.seconds < self._asleep_until:
                self._changed.notify()

    def end(self) -> None:
        """Let the watching thread end: nobody can take a step any more."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def watch(self, expire: Callable[[str, float], None]) -> None:
        """Wait for steps to take longer than they may, until there can be none."""
        watched, left, looked = None, math.inf, 0.0
        while True:
            with self._changed:
                if self._ended:
                    return
                step, now = self._step, time.monotonic()
                if step is not watched:
                    watched, left, looked = step, *((math.inf, now) if step is None else (step.seconds, step.began))
                left -= min(now - looked, MOST_BETWEEN_LOOKS_SECONDS)
                looked = now
                if step is None or left > 0:
                    self._asleep_until = math.inf if step is None else now + min(left, LOOK_SECONDS)
                    self._changed.wait(None if step is None else min(left, LOOK_SECONDS))
                    self._asleep_until = 0.0
                    continue
                self._step = watched = None
            expire(step.name, step.seconds)
