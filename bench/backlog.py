"""Fills an input topic: whole batches, made once and handed over again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kafka.structs import TopicPartition

from bench.deployment import PARTITIONS, Deployment
from bench.transactions import samples
from pipeline.contracts import topics
from pipeline.runtime.batches.producing import hand_over, send_now
from pipeline.runtime.batches.writing import BatchBuilder, packed, packed_headers
from pipeline.runtime.clients.producers import BATCH_BYTES, plain_producer
from pipeline.runtime.clock import now_ms

if TYPE_CHECKING:
    from collections.abc import Callable

UNDER_WAY: Final = 32  # batches
WITHIN_SECONDS: Final = 60.0


def fill(bootstrap: str, records: int, tell: Callable[[str], None]) -> str:
    """Return the name of a new topic with so many records, the same number in each partition (give or take one).

    Raises:
        KafkaError: the broker did not take them.

    """
    deployment = Deployment(bootstrap)
    deployment.provision()
    topic = deployment.name(topics.TRANSACTIONS)
    bodies: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    for sample in samples():
        bodies[sample.partition].append(packed(sample.key) + packed(sample.value) + packed_headers(()))
    producer = plain_producer(deployment.settings.kafka, f"{deployment.tag}-backlog")
    try:
        left = [records // PARTITIONS + (number < records % PARTITIONS) for number in range(PARTITIONS)]
        _send(producer, topic, bodies, left, lambda: tell(f"filling, {records - sum(left):,} of {records:,}"))
    finally:
        producer.close(timeout=10)
    return topic


def _send(
    producer: Any,  # noqa: ANN401 (a client without types)
    topic: str,
    bodies: list[list[bytes]],
    left: list[int],
    tell: Callable[[], None],
) -> None:
    """Send as many records to each partition as ``left`` says, which is counted down."""
    whole = [_batch(found, 10**9) for found in bodies]
    futures: list[Any] = []
    while any(left):
        for partition in range(PARTITIONS):
            if not left[partition]:
                continue
            batch = whole[partition]
            if batch.count > left[partition]:
                batch = _batch(bodies[partition], left[partition])
            futures.append(hand_over(producer, TopicPartition(topic, partition), batch))
            send_now(producer)
            left[partition] -= batch.count
        while len(futures) > UNDER_WAY:
            futures.pop(0).get(timeout=WITHIN_SECONDS)
        tell()
    for future in futures:
        future.get(timeout=WITHIN_SECONDS)


def _batch(bodies: list[bytes], most: int) -> BatchBuilder:
    """Return a batch as large as the generator's may be, of at most so many records."""
    builder, now = BatchBuilder(BATCH_BYTES), now_ms()
    while builder.count < most and builder.add(now, bodies[builder.count % len(bodies)]):
        pass
    return builder
