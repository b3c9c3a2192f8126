"""Both ways of the generator on a real Kafka: the same records, each delivered once, at their rate."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaAdminClient
from kafka.partitioner.default import murmur2

from generator.__main__ import generate
from generator.sending import Sender
from generator.settings import GeneratorSettings
from pipeline.contracts import topics
from pipeline.runtime import publisher as module
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.producers import plain_producer
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.publisher import Publisher, PublishingError
from pipeline.runtime.record_path import BATCHES, RECORDS, outlet_of
from pipeline.runtime.vitals import Vitals
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

PARTITIONS = 3
STALL_LOOK_SECONDS = 0.01


def generated(pipeline: Deployment, stop: Stop | None = None, **variables: str) -> list[Any]:
    """Run the generator to its end and return what it sent."""
    generate(GeneratorSettings.from_env(pipeline.environ | variables), stop or Stop(), Vitals("generator"))
    return pipeline.records(topics.TRANSACTIONS)


def partition_by_the_client(key: bytes, partitions: int) -> int:
    """Return where kafka-python's own partitioner puts a key."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def publisher_by_batches(pipeline: Deployment) -> tuple[Any, Publisher]:
    """Return a producer as the generator has it, and a publisher by batches on it."""
    producer = plain_producer(pipeline.settings.kafka, f"test-{pipeline.tag}")
    name = pipeline.name(topics.TRANSACTIONS)
    with Cluster(pipeline.settings.kafka, "test") as cluster:
        facts = cluster.describe([name])[name]
    return producer, Publisher(outlet_of(BATCHES, producer, facts))


def test_both_ways_send_the_same(deploy: Callable[..., Deployment]) -> None:
    """The same seed makes the same records in the same partitions and order, but for their time."""

    def sent(path: str) -> list[list[Any]]:
        records = generated(
            deploy(partitions=PARTITIONS),
            TRANSACTIONS_COUNT="5000",
            TRANSACTIONS_PER_SECOND="50000",
            GENERATOR_SEED="42",
            PIPELINE_RECORD_PATH=path,
        )
        assert len(records) == 5000
        found: list[list[Any]] = [[] for _ in range(PARTITIONS)]
        for record in sorted(records, key=lambda record: int(record.offset)):
            value = json.loads(record.value)
            assert value.pop("timestamp").endswith(f".{record.timestamp % 1000:03}Z")
            found[record.partition].append((record.key, value, record.headers))
        return found

    by_batches = sent(BATCHES)
    assert by_batches == sent(RECORDS)
    for partition, records in enumerate(by_batches):
        assert {partition_by_the_client(key, PARTITIONS) for key, _, _ in records} == {partition}


@pytest.mark.parametrize("path", [BATCHES, RECORDS])
def test_small_batches_are_all_that_a_topic_takes(deploy: Callable[..., Deployment], path: str) -> None:
    """Whatever a topic's max.message.bytes, all arrives: no batch is larger, so none is split."""
    pipeline = deploy(partitions=1)
    pipeline.set_config(topics.TRANSACTIONS, {"max.message.bytes": "2000" if path == BATCHES else "300000"})
    records = generated(
        pipeline, TRANSACTIONS_COUNT="3000", TRANSACTIONS_PER_SECOND="100000", PIPELINE_RECORD_PATH=path
    )
    assert len({json.loads(record.value)["transaction_id"] for record in records}) == len(records) == 3000


@contextmanager
def stalls() -> Iterator[list[float]]:
    """Yield by how many seconds a thread that does nothing wakes too late, while the block lasts."""
    ended, late = threading.Event(), [0.0]

    def watch() -> None:
        due = time.monotonic() + STALL_LOOK_SECONDS
        while not ended.wait(STALL_LOOK_SECONDS):
            late.append(time.monotonic() - due)
            due = time.monotonic() + STALL_LOOK_SECONDS

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield late
    finally:
        ended.set()
        thread.join(WITHIN)


def test_a_thousand_a_second_are_a_thousand_in_every_second(deploy: Callable[..., Deployment]) -> None:
    """Ten seconds bring 10,000 within 1 %, and by the records' own times no second much more or less than others."""
    stop = Stop()
    timer = threading.Timer(10.0, stop.request)
    pipeline = deploy(partitions=PARTITIONS)
    sent_at: list[float] = []
    run = Sender.run

    def timed(self: Sender[Any], asked: Stop) -> int:
        sent_at.append(time.monotonic())
        timer.start()
        count = run(self, asked)
        sent_at.append(time.monotonic())
        return count

    with pytest.MonkeyPatch.context() as patch, stalls() as late:
        patch.setattr(Sender, "run", timed)
        records = generated(pipeline, stop, TRANSACTIONS_PER_SECOND="1000")
    seconds = sent_at[1] - sent_at[0]
    assert seconds >= 10
    # What came due while the machine stood still is sent behind it, in the next second or not any more.
    missed = 1_000 * max(late)
    assert len(records) == pytest.approx(1_000 * seconds, abs=100 + missed)
    first = min(record.timestamp for record in records)
    by_second = Counter((record.timestamp - first) // 1_000 for record in records)
    assert all(abs(by_second[second] - 1_000) <= 200 + missed for second in range(10)), by_second


def test_partitions_that_are_added_meanwhile_are_used(deploy: Callable[..., Deployment]) -> None:
    """As soon as the client's metadata has them, keys go where the client itself would put them."""
    pipeline = deploy(partitions=1)
    name = pipeline.name(topics.TRANSACTIONS)
    producer, publisher = publisher_by_batches(pipeline)
    records = [(b"key-%d" % number, b"{}") for number in range(60)]
    publisher.send(records, 1_795_363_200_123)
    admin = KafkaAdminClient(bootstrap_servers=pipeline.bootstrap)
    admin.create_partitions({name: 3})
    admin.close()

    def known() -> bool:
        producer._metadata.request_update()  # noqa: SLF001 (it would, in five minutes)
        producer._sender.wakeup()  # noqa: SLF001
        return len(producer.partitions_for(name)) == PARTITIONS

    eventually(known, WITHIN, "the client to know of three partitions")
    publisher.send(records, 1_795_363_200_124)
    publisher.finish(WITHIN)
    assert publisher.delivered == 120
    later = [record for record in pipeline.records(topics.TRANSACTIONS) if record.timestamp == 1_795_363_200_124]
    assert len(later) == 60
    assert {record.partition for record in later} == set(range(PARTITIONS))
    assert all(record.partition == partition_by_the_client(record.key, PARTITIONS) for record in later)


def test_a_limit_that_is_lowered_meanwhile_ends_the_run(
    deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client splits a batch that has become too large, and forgets who waits for it: that is no silent stand."""
    monkeypatch.setattr(module, "OVERDUE_SECONDS", 1.0)
    pipeline = deploy(partitions=1)
    producer, publisher = publisher_by_batches(pipeline)
    pipeline.set_config(topics.TRANSACTIONS, {"max.message.bytes": "2000"})
    publisher.send([(b"key", b"v" * 100)] * 100, 1_795_363_200_123)
    monkeypatch.setattr(publisher, "_max_in_flight", 100)

    with pytest.raises(PublishingError, match="nobody decides about 100 records"):
        eventually(publisher.wait_for_room, WITHIN, "the publisher to give up")
    with pytest.raises(PublishingError, match="0 records failed and 100 are undecided"):
        publisher.finish(1.0)
    assert producer._closed  # noqa: SLF001
