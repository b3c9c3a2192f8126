"""The two sides of the loop without the loop: a test takes every step itself, in its own thread."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from kafka.structs import TopicPartition

from pipeline.contracts import topics
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.consumers import group_consumer
from pipeline.runtime.clients.leftovers import Leftovers
from pipeline.runtime.clients.producers import transactional_producer
from pipeline.runtime.record_path import BATCHES, RECORDS, one_by_one
from pipeline.runtime.transactional import Intake, Output
from pipeline.runtime.transactional.senders import RecordSender
from pipeline.runtime.transactional.start import REFUSE
from pipeline.runtime.watchdog import Watchdog
from tests.support.deployment import Deployment
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kafka_local import Cluster as LocalCluster
    from pipeline.runtime.transactional.batch import Batch

GOOD = b'{"source":"A1","target":"B2","amount":231.67,"currency":"EUR"}'

# For tests of what services do with records: whichever way these go, it has to hold.
on_both_paths = pytest.mark.parametrize("record_path", [BATCHES, RECORDS])


def deployed(cluster: LocalCluster, partitions: int = 1) -> Deployment:
    """Return a pipeline on a Kafka that is a test's own, and may be hurt."""
    pipeline = Deployment(cluster.bootstrap_servers, partitions=partitions)
    pipeline.provision()
    return pipeline


def input_of(pipeline: Deployment, partition: int = 0) -> TopicPartition:
    """Return a partition of the input, as the client names it."""
    return TopicPartition(pipeline.name(topics.TRANSACTIONS), partition)


def group_of(pipeline: Deployment) -> str:
    """Return the detector's group."""
    return pipeline.settings.kafka.group_of("detector")


def producer_of(pipeline: Deployment) -> Any:
    """Return a producer as a service makes it, always of the same transactional id."""
    return transactional_producer(pipeline.settings.kafka, f"test-{pipeline.tag}", 0)


@contextmanager
def writing(pipeline: Deployment, make_producer: Callable[[], Any] | None = None) -> Iterator[Output]:
    """Yield the detector's writing side."""
    with Cluster(pipeline.settings.kafka, "test") as cluster:
        facts = cluster.describe(pipeline.name(topic) for topic in topics.STREAMS)
    by_topic = {topic: facts[pipeline.name(topic)] for topic in topics.STREAMS}
    make = make_producer or partial(producer_of, pipeline)
    kafka, own = pipeline.settings.kafka, f"test-{pipeline.tag}"
    leftovers = Leftovers(kafka, own, own, group_of(pipeline), by_topic.values())
    output = Output(make, by_topic, Watchdog(), lambda: time.time_ns() // 1_000_000, leftovers, RecordSender())
    try:
        yield output
    finally:
        output.close()


@contextmanager
def member(pipeline: Deployment) -> Iterator[Any]:
    """Yield a consumer of the detector's group as a service makes it; it joins when it polls."""
    consumer = group_consumer(pipeline.settings.kafka, group_of(pipeline), pipeline.name(topics.TRANSACTIONS))
    try:
        yield consumer
    finally:
        consumer.close(autocommit=False)


def reading(consumer: Any) -> Intake:
    """Return the detector's reading side, of a group that may not have committed anything."""
    return Intake(lambda: consumer, read=one_by_one(is_input=True).read, lost=REFUSE, has_outputs=lambda _: False)


def next_batch(intake: Intake, records: int = 5_000) -> Batch:
    """Return the next batch that the reading side hands out."""
    batch = eventually(lambda: intake.poll(records), 30, "a batch")
    assert batch is not None
    return batch
