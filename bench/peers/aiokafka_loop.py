"""aiokafka, exactly once: a transaction for each poll of up to 10,000 records. Its commit waits for what was sent."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

LIMIT = 900
BATCH = 10_000
WAIT_MS = 100


class Amount(msgspec.Struct):
    """What is looked at."""

    amount: float


async def forward(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, stopped: asyncio.Event) -> None:
    """Forward until stopped."""
    group, legit, fraud = os.environ["GROUP"], os.environ["LEGIT"], os.environ["FRAUD"]
    decode = msgspec.json.Decoder(Amount).decode
    while not stopped.is_set():
        polled = await consumer.getmany(timeout_ms=WAIT_MS, max_records=BATCH)
        if not polled:
            continue
        async with producer.transaction():
            for place, messages in polled.items():
                for message in messages:
                    topic = fraud if decode(message.value).amount >= LIMIT else legit
                    await producer.send(topic, message.value, message.key, place.partition)
            ends = {place: messages[-1].offset + 1 for place, messages in polled.items()}
            await producer.send_offsets_to_transaction(ends, group)


async def main() -> None:
    """Connect, forward, close."""
    bootstrap, stopped = os.environ["BOOTSTRAP"], asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    consumer = AIOKafkaConsumer(
        os.environ["INPUT"],
        bootstrap_servers=bootstrap,
        group_id=os.environ["GROUP"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=f"peer-{uuid.uuid4()}",
        max_batch_size=512 * 1024,
        linger_ms=5,
    )
    async with consumer, producer:
        await forward(consumer, producer, stopped)


if __name__ == "__main__":
    asyncio.run(main())
