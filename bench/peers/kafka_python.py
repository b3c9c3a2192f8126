"""kafka-python, exactly once, as its documentation would have it: a transaction a poll, record by record.

With the settings that ours has. At low rates it takes the same round trips: what is left is the client's.
"""

from __future__ import annotations

import os
import signal
import uuid
from typing import Any

import msgspec
from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import OffsetAndMetadata

LIMIT = 900
BATCH = 5_000
WAIT_MS = 100
FLUSH_SECONDS = 10


class Amount(msgspec.Struct):
    """What is looked at."""

    amount: float


def forward(consumer: Any, producer: Any, polled: dict[Any, list[Any]]) -> None:  # noqa: ANN401 (a client without types)
    """Forward what was polled in one transaction."""
    legit, fraud = os.environ["LEGIT"], os.environ["FRAUD"]
    decode = msgspec.json.Decoder(Amount).decode
    producer.begin_transaction()
    futures = [
        producer.send(
            fraud if decode(message.value).amount >= LIMIT else legit,
            value=message.value,
            key=message.key,
            partition=place.partition,
        )
        for place, messages in polled.items()
        for message in messages
    ]
    producer.flush(timeout=FLUSH_SECONDS)
    for future in futures:
        future.get(timeout=0)
    ends = {place: OffsetAndMetadata(messages[-1].offset + 1, "", -1) for place, messages in polled.items()}
    producer.send_offsets_to_transaction(ends, consumer.group_metadata())
    producer.commit_transaction()


def main() -> None:
    """Forward until SIGTERM."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopped.append(number))
    bootstrap = os.environ["BOOTSTRAP"]
    consumer = KafkaConsumer(
        os.environ["INPUT"],
        bootstrap_servers=bootstrap,
        group_id=os.environ["GROUP"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        fetch_max_wait_ms=WAIT_MS,
    )
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=f"peer-{uuid.uuid4()}",
        batch_size=256 * 1024,
        linger_ms=20,
        retry_backoff_ms=20,
    )
    producer.init_transactions()
    while not stopped:
        polled = consumer.poll(timeout_ms=WAIT_MS, max_records=BATCH)
        if polled:
            forward(consumer, producer, polled)
    producer.close(timeout=FLUSH_SECONDS)
    consumer.close()


if __name__ == "__main__":
    main()
