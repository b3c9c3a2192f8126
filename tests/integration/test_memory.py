"""What a backlog takes in memory: as much as a short one, however long it is."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from pipeline.contracts import topics
from pipeline.runtime.batches.producing import hand_over, send_now
from pipeline.runtime.batches.writing import BatchBuilder, packed
from pipeline.runtime.clients.cluster import Cluster
from tests.support.eventually import eventually
from tests.unit.samples import transfer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process from /proc"),
]

RECORDS = 300_000
A_BATCH = 4_000
MOST_MIB = 250


def fill(pipeline: Deployment, records: int) -> None:
    """Put so many transfers into the input, as quickly as a broker takes them."""
    value = transfer(transaction_id="a5f97a9e-f83f-40ee-945e-6afffb1c1e68", timestamp="2026-11-22T22:02:58.600Z")
    body = packed(b"aB3dE5gH7jK9") + packed(value) + b"\0"
    with pipeline.producer() as producer:
        name, futures = pipeline.name(topics.TRANSACTIONS), []
        for number in range(records // A_BATCH):
            builder = BatchBuilder(10**9)
            while builder.count < A_BATCH:
                builder.add(1_795_363_200_000, body)
            futures.append(hand_over(producer, TopicPartition(name, number % pipeline.partitions), builder))
            send_now(producer)
        for future in futures:
            future.get(timeout=60)


def committed(pipeline: Deployment, cluster: Cluster) -> int:
    """Return how many records of the input the detector has committed."""
    name, group = pipeline.name(topics.TRANSACTIONS), pipeline.settings.kafka.group_of("detector")
    with suppress(KafkaError):  # the first group of a new cluster makes the topic of all offsets
        return sum(cluster.committed(group, name, pipeline.partitions).values())
    return 0


def peak_mib(pid: int) -> float:
    """Return the most memory that a process has had."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def test_a_backlog_does_not_grow_the_detector(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """300,000 records wait, some 65 MB: it stays below 250 MiB, as with twenty million (docs/performance.md)."""
    pipeline = deploy()
    fill(pipeline, RECORDS)
    detector = pipeline.spawn("detector", tmp_path / "detector.log")
    try:
        with Cluster(pipeline.settings.kafka, "test") as cluster:
            eventually(lambda: committed(pipeline, cluster) >= RECORDS, 200, "the detector to commit the whole backlog")
        assert peak_mib(detector.pid) < MOST_MIB
    finally:
        detector.terminate()
        assert detector.wait(30) == 0
