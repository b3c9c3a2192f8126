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
from typing import TYPE_CHECKING, Any, Final

from kafka.structs import TopicPartition

from bench.deployment import PARTITIONS
from bench.transactions import samples, with_time
from pipeline.runtime.batches.producing import hand_over
from pipeline.runtime.batches.writing import BatchBuilder, packed, packed_headers
from pipeline.runtime.clients.producers import BATCH_BYTES, plain_producer
from pipeline.runtime.settings import common_from_env

if TYPE_CHECKING:
    from collections.abc import Iterator

NS_PER_SECOND: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
MOST_AT_ONCE: Final = 2_000
UNDER_WAY: Final = 2_000  # batches: far more than a broker that keeps up ever has
WITHIN_SECONDS: Final = 60.0
NO_HEADERS: Final = packed_headers(())


def due_ns(number: int, rate: float) -> int:
    """Return when a transaction is due, in nanoseconds from the begin of the load."""
    return int(number * NS_PER_SECOND / rate)


def schedule(rate: float, total: int, begin_ns: int, tick_ns: int) -> Iterator[range]:
    """Yield which transactions are due, waiting until some are; those of one tick are sent together.

    The transaction ``number`` is due at ``begin_ns + number / rate``, of the monotonic clock.
    """
    sent = 0
    while sent < total:
        now = time.monotonic_ns()
        due = min(total, sent + MOST_AT_ONCE, int((now - begin_ns) * rate / NS_PER_SECOND) + 1)
        if due > sent:
            yield range(sent, due)
            sent = due
        next_ns = max(begin_ns + due_ns(sent, rate), now + tick_ns)
        time.sleep(max(0, next_ns - time.monotonic_ns()) / NS_PER_SECOND)


def send(producer: Any, topic: str, rate: float, total: int, begin_ns: int, tick_ns: int) -> float:  # noqa: ANN401, PLR0913, PLR0917 (a client without types; what a load is)
    """Send all transactions and return by how many milliseconds the worst was late."""
    pool, late_ns = samples(), 0
    futures: deque[Any] = deque()
    for numbers in schedule(rate, total, begin_ns, tick_ns):
        builders: list[BatchBuilder | None] = [None] * PARTITIONS
        late_ns = max(late_ns, time.monotonic_ns() - begin_ns - due_ns(numbers[0], rate))
        now_ms = time.time_ns() // NS_PER_MS
        for number in numbers:
            partition, key, value = pool[number % len(pool)]
            intended = begin_ns + due_ns(number, rate)
            body = packed(key) + packed(with_time(value, intended, number)) + NO_HEADERS
            builder = builders[partition]
            if builder is None or not builder.add(now_ms, body):
                if builder is not None:
                    futures.append(hand_over(producer, TopicPartition(topic, partition), builder))
                builders[partition] = builder = BatchBuilder(BATCH_BYTES)
                builder.add(now_ms, body)
        for partition, builder in enumerate(builders):
            if builder is not None:
                futures.append(hand_over(producer, TopicPartition(topic, partition), builder))
        while futures and (futures[0].is_done or len(futures) > UNDER_WAY):
            futures.popleft().get(timeout=WITHIN_SECONDS)
    for future in futures:
        future.get(timeout=WITHIN_SECONDS)
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
    producer = plain_producer(kafka, "bench-load")
    producer.partitions_for(asked.topic)
    try:
        late_ms = send(producer, asked.topic, asked.rate, asked.total, asked.begin_ns, int(asked.tick_ms * NS_PER_MS))
    finally:
        producer.close(timeout=10)
    with open(asked.report, "w", encoding="utf-8") as report:  # noqa: PTH123 (it may be a descriptor)
        json.dump({"sent": asked.total, "late_ms": round(late_ms, 2)}, report)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
