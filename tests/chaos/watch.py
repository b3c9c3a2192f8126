"""Watches when committed output arrives, to tell how long a fault made it stand still."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Self

from pipeline.contracts import topics
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.reading import Tail

if TYPE_CHECKING:
    from tests.support.deployment import Deployment

PAUSE_SECONDS = 0.2


class Arrival(NamedTuple):
    """When a record became readable, and when its transaction was written to the input; both in seconds since 1970."""

    at: float
    written: float


class Watch:
    """Reads both branches as committed, from a thread of its own, for the time of a ``with`` block."""

    def __init__(self, pipeline: Deployment) -> None:
        self._pipeline = pipeline
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._arrivals: dict[int, list[Arrival]] = {number: [] for number in range(pipeline.partitions)}
        self._thread = threading.Thread(target=self._read, name="watch", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self._ended.set()
        self._thread.join(30)

    def stood_still(self, began: float, healed: float) -> float | None:
        """Return for how many seconds the partition that fared worst had no output, from the start of a fault.

        None while there is a partition without output of a transaction that came after the fault was healed: it has
        not gone on yet. What became readable in between counts as output.
        """
        worst = 0.0
        with self._lock:
            for arrivals in self._arrivals.values():
                last = began
                for arrival in arrivals:
                    if arrival.at < began:
                        continue
                    worst, last = max(worst, arrival.at - last), arrival.at
                    if arrival.written >= healed:
                        break
                else:
                    return None
                del arrivals[: len(arrivals) // 2]
        return worst

    def _read(self) -> None:
        pipeline = self._pipeline
        partitions = {pipeline.name(topic): pipeline.partitions for topic in (topics.LEGIT, topics.FRAUD)}
        tail: Tail | None = None
        while not self._ended.is_set():
            try:
                tail = tail or Tail(pipeline.settings.kafka, partitions)
                for record in tail.read():
                    with self._lock:
                        self._arrivals[record.partition].append(Arrival(time.time(), record.timestamp / 1000))
            except KafkaError:
                self._ended.wait(PAUSE_SECONDS)
        if tail is not None:
            tail.close()
