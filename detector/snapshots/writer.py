"""Writes snapshots in a thread, by a producer of its own: no transaction of the loop waits for them, or knows of them.

What is true at an offset is so whoever writes it, so nothing has to be fenced. A snapshot counts once its manifest is
there, and that is sent when all its chunks have arrived.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.producers import end_producer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from detector.snapshots.records import Entry

logger = logging.getLogger(__name__)

WAITING: Final = 64  # entries, of half a mebibyte at most
IN_FLIGHT_BYTES: Final = 8 * 1024 * 1024  # the client itself bounds nothing
DELIVERY_SECONDS: Final = 150.0  # longer than the client tries
WAIT_SECONDS: Final = 0.2
CLOSE_SECONDS: Final = 5.0


class Written(NamedTuple):
    """What became of a snapshot: None, or why it was not written."""

    token: int
    failure: str | None


class _Part(NamedTuple):
    """Records of a snapshot; with ``last``, the manifest and what it makes superfluous, each to be sent in turn."""

    token: int
    partition: int
    entries: Sequence[Entry]
    last: bool = False
    removed: Sequence[bytes] = ()


class Writer:
    """Takes the parts of one snapshot after the other, as far as there is room. Only one is under way at a time."""

    def __init__(self, topic: str, make_producer: Callable[[], Any]) -> None:
        """Write to a topic; a producer is made when there is something to write, and anew after an error."""
        self._topic = topic
        self._make = make_producer
        self._producer: Any = None
        self._queue: Queue[_Part] = Queue(WAITING)
        self._outcomes: deque[Written] = deque()
        self._failed = -1
        self._sent: list[Any] = []
        self._bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    @property
    def has_room(self) -> bool:
        """Tell whether another part is taken now."""
        return not self._queue.full()

    def put(self, token: int, partition: int, entries: Sequence[Entry]) -> bool:
        """Take records of a snapshot; return False where there is no room."""
        return self._put(_Part(token, partition, entries))

    def end(self, token: int, partition: int, manifest: Entry, removed: Sequence[bytes]) -> bool:
        """Take what makes a snapshot count, and the keys to remove behind it; return False where there is no room."""
        return self._put(_Part(token, partition, [manifest], last=True, removed=removed))

    def outcome(self) -> Written | None:
        """Return what became of a snapshot that was put to its end; None where there is nothing new."""
        return self._outcomes.popleft() if self._outcomes else None

    def close(self) -> None:
        """Leave off, within bounds: a snapshot that has no manifest yet is none."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_SECONDS)

    def _put(self, part: _Part) -> bool:
        try:
            self._queue.put_nowait(part)
        except Full:
            return False
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                part = self._queue.get(timeout=WAIT_SECONDS)
            except Empty:
                continue
            self._take(part)
        self._drop_producer(0.0)

    def _take(self, part: _Part) -> None:
        failure: str | None = "a part of it was not written"
        if part.token != self._failed:
            try:
                self._write(part)
                failure = None
            except KafkaError as error:
                failure = str(error) or type(error).__name__
                self._failed = part.token
                self._drop_producer(0.0)
                logger.warning("a snapshot was not written, the next one may be: %s", failure)
            except Exception as error:
                # Also a bug: what is written here shortens a start, and is worth no standstill.
                failure = type(error).__name__
                self._failed = part.token
                self._drop_producer(0.0)
                logger.exception("a snapshot was not written")
        if part.last:
            self._outcomes.append(Written(part.token, failure))

    def _write(self, part: _Part) -> None:
        if part.last:
            self._arrived()  # all chunks, before what names them
        self._send(part.partition, part.entries)
        if part.last:
            self._arrived()
            self._send(part.partition, [(key, None) for key in part.removed])
            self._arrived()

    def _send(self, partition: int, entries: Sequence[Entry]) -> None:
        if self._producer is None:
            self._producer = self._make()
        for key, value in entries:
            self._sent.append(self._producer.send(self._topic, key=key, value=value, partition=partition))
            self._bytes += len(key) + len(value or b"")
            if self._bytes >= IN_FLIGHT_BYTES:
                self._arrived()

    def _arrived(self) -> None:
        """Wait until all that was sent has arrived.

        Raises:
            KafkaError: some of it has not.

        """
        for future in self._sent:
            future.get(timeout=DELIVERY_SECONDS)
        self._sent.clear()
        self._bytes = 0

    def _drop_producer(self, seconds: float) -> None:
        self._sent.clear()
        self._bytes = 0
        if self._producer is not None:
            end_producer(self._producer, seconds)
            self._producer = None
