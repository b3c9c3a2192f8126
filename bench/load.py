"""``python -m bench.load``: an open-loop load, in a process of its own so that it shares no lock with who measures.

A transaction is due at its moment whether the one before was sent or not, and says that moment in its id: who measures
from there sees what a caller would have waited. Prints as JSON how many were sent and by how much the worst was late.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from kafka.structs import TopicPartition

from bench.deployment import PARTITIONS
from bench.transactions import samples, with_time
from pipeline.runtime.batches.producing import ReadyRecords
from pipeline.runtime.batches.writing import BatchBuilder, packed, packed_headers
from pipeline.runtime.clients.producers import BATCH_BYTES
from pipeline.runtime.settings import common_from_env
from pipeline.runtime.wire.deliveries import Deliveries
from pipeline.runtime.wire.delivery import Delivery
from pipeline.runtime.wire.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.runtime.cluster_settings import KafkaSettings

NS_PER_SECOND: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
MOST_AT_ONCE: Final = 2_000
WITHIN_SECONDS: Final = 10.0
NO_HEADERS: Final = packed_headers(())


def due_ns(number: int, rate: float) -> int:
    """Return when a transaction is due, in nanoseconds from the begin of the load."""
    return int(number * NS_PER_SECOND / rate)


def due_by(elapsed_ns: int, rate: float) -> int:
    """Return how many transactions are due so long after the begin of the load; the first one is due at once."""
    return int(elapsed_ns * rate / NS_PER_SECOND) + 1 if elapsed_ns >= 0 else 0


class Lane:
    """What goes to one partition: batches that wait, of which all that comes due while one is full makes the next."""

    def __init__(self, place: TopicPartition) -> None:
        self.place = place
        self._waiting: deque[tuple[int, BatchBuilder]] = deque()

    def add(self, due: int, timestamp_ms: int, body: bytes) -> None:
        """Take a transaction that is due."""
        if not self._waiting or not self._waiting[-1][1].add(timestamp_ms, body):
            builder = BatchBuilder(BATCH_BYTES)
            builder.add(timestamp_ms, body)
            self._waiting.append((due, builder))

    def next(self) -> tuple[int, Delivery] | None:
        """Return the next batch, ready to be sent, and when its first transaction was due; None where nothing waits."""
        if not self._waiting:
            return None
        due, builder = self._waiting.popleft()
        ready = ReadyRecords(builder)
        ready.close()
        return due, Delivery(self.place, ready.buffer())

    @property
    def idle(self) -> bool:
        """Tell whether nothing waits."""
        return not self._waiting


class Sending:
    """Sends the next batch of every lane, in one request for each leader, while none of theirs is under way.

    What comes due meanwhile waits and goes with the next request, as in any producer. It has no thread, as a client
    would: on few cores that takes more than the load itself, from those that are measured.
    """

    def __init__(self, kafka: KafkaSettings, lanes: Sequence[Lane]) -> None:
        self._lanes = lanes
        self._lines = Lines(kafka, "bench-load")
        self._deliveries = Deliveries(self._lines, None)
        self._under_way: list[Delivery] = []
        for lane in lanes:  # before anything is due
            self._lines.to_leader(lane.place)

    def turn(self) -> list[int]:
        """Send what waits, unless answers are to come; return when the first transaction of each batch was due.

        Raises:
            KafkaError: the broker did not take what was sent before.

        """
        if self._under_way:
            if not self._deliveries.answered():
                return []
            self._settle()
        found = [one for one in (lane.next() for lane in self._lanes) if one is not None]
        self._under_way = [delivery for _, delivery in found]
        self._deliveries.send(self._under_way, time.monotonic() + WITHIN_SECONDS)
        return [due for due, _ in found]

    def finish(self) -> None:
        """Wait for what is under way; raises KafkaError where it was not taken."""
        self._settle()

    def _settle(self) -> None:
        self._deliveries.settle(time.monotonic() + WITHIN_SECONDS)
        for one in self._under_way:
            if one.exception is not None:
                raise one.exception
        self._under_way = []

    def close(self) -> None:
        """Close the connections."""
        self._lines.close()


class Load(NamedTuple):
    """``total`` transactions, ``rate`` a second, the first at ``begin_ns`` of the monotonic clock."""

    rate: float
    total: int
    begin_ns: int
    tick_ns: int


def send(sending: Sending, lanes: Sequence[Lane], load: Load) -> float:
    """Send all transactions and return by how many milliseconds the worst was late when it was handed over.

    Raises:
        KafkaError: the broker did not take one.

    """
    pool, sent, late_ns = samples(), 0, 0
    while sent < load.total or not all(lane.idle for lane in lanes):
        begun = time.monotonic_ns()
        due = min(load.total, sent + MOST_AT_ONCE, due_by(begun - load.begin_ns, load.rate))
        now_ms = time.time_ns() // NS_PER_MS
        for number in range(sent, due):
            partition, key, value = pool[number % len(pool)]
            intended = load.begin_ns + due_ns(number, load.rate)
            body = packed(key) + packed(with_time(value, intended, number)) + NO_HEADERS
            lanes[partition].add(intended, now_ms, body)
        sent = max(sent, due)
        for first in sending.turn():
            late_ns = max(late_ns, time.monotonic_ns() - first)
        wake = begun + load.tick_ns
        if all(lane.idle for lane in lanes) and sent < load.total:
            wake = max(wake, load.begin_ns + due_ns(sent, load.rate))
        time.sleep(max(0, wake - time.monotonic_ns()) / NS_PER_SECOND)
    sending.finish()
    return late_ns / NS_PER_MS


def main(arguments: list[str]) -> int:
    """Send, say what was sent, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--bootstrap", required=True, help="address of the broker")
    parser.add_argument("--topic", required=True, help="where to send")
    parser.add_argument("--rate", type=float, required=True, help="transactions a second")
    parser.add_argument("--total", type=int, required=True, help="how many")
    parser.add_argument("--begin-ns", type=int, required=True, help="when the first is due, of the monotonic clock")
    parser.add_argument(
        "--tick-ms", type=float, default=2.0, help="what is due within it is sent together (%(default)s)"
    )
    parser.add_argument("--report", required=True, help="file to write what was sent into")
    asked = parser.parse_args(arguments)
    kafka = common_from_env({"KAFKA_BROKER_URL": asked.bootstrap}).kafka
    lanes = [Lane(TopicPartition(asked.topic, partition)) for partition in range(PARTITIONS)]
    sending = Sending(kafka, lanes)
    try:
        late_ms = send(sending, lanes, Load(asked.rate, asked.total, asked.begin_ns, int(asked.tick_ms * NS_PER_MS)))
    finally:
        sending.close()
    with open(asked.report, "w", encoding="utf-8") as report:  # noqa: PTH123 (it may be a descriptor)
        json.dump({"sent": asked.total, "late_ms": round(late_ms, 2)}, report)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
