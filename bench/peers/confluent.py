"""confluent-kafka (librdkafka), exactly once: a transaction for each batch of up to 10,000 records.

It decodes one member with msgspec and forwards the bytes as they came, to the partition that they came from.
"""

from __future__ import annotations

import os
import signal
import uuid

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition

LIMIT = 900
BATCH = 10_000
WAIT_SECONDS = 0.01
DECIDED_WITHIN = 30.0


class Amount(msgspec.Struct):
    """What is looked at."""

    amount: float


def producer_of(bootstrap: str) -> Producer:
    """Return a producer that is ready for transactions, set up for throughput."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "transactional.id": f"peer-{uuid.uuid4()}",
            "linger.ms": 5,
            "batch.size": 512 * 1024,
            "batch.num.messages": BATCH,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    producer.init_transactions(DECIDED_WITHIN)
    return producer


def main() -> None:
    """Forward until SIGTERM."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    bootstrap, legit, fraud = os.environ["BOOTSTRAP"], os.environ["LEGIT"], os.environ["FRAUD"]
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": os.environ["GROUP"],
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 100,
            "queued.min.messages": 100_000,
        }
    )
    consumer.subscribe([os.environ["INPUT"]])
    producer = producer_of(bootstrap)
    decode = msgspec.json.Decoder(Amount).decode
    while not stopped:
        messages = consumer.consume(BATCH, WAIT_SECONDS)
        if not messages:
            continue
        producer.begin_transaction()
        ends: dict[tuple[str, int], int] = {}
        for message in messages:
            if message.error():
                raise SystemExit(str(message.error()))
            value = message.value()
            topic = fraud if decode(value).amount >= LIMIT else legit
            producer.produce(topic, value, message.key(), message.partition())
            ends[message.topic(), message.partition()] = message.offset() + 1
        offsets = [TopicPartition(*place, offset) for place, offset in ends.items()]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), DECIDED_WITHIN)
        producer.commit_transaction(DECIDED_WITHIN)
    consumer.close()


if __name__ == "__main__":
    main()
