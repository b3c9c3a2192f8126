"""What a transaction's commit says, and does not say, while a topic lacks a replica: on three nodes, one of them lost.

A test named ``without_...`` takes the guard out and asserts the harm: when it fails, the client has mended the habit.
"""

from __future__ import annotations

import re
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest
from kafka.admin import ConfigResourceType
from kafka.protocol.admin import DescribeConfigsRequest
from kafka.structs import TopicPartition

from kafka_local import Cluster
from pipeline.contracts import topics
from pipeline.runtime.clients import producers
from pipeline.runtime.clients.cluster import Cluster as AdminCluster
from pipeline.runtime.clients.consumers import reader
from pipeline.runtime.record_path import CLIENT_BATCHES, RECORD_PATH
from pipeline.runtime.transactional import output as outputs
from pipeline.runtime.wire.lines import Lines
from tests.support.deployment import WITHIN, Deployment
from tests.support.eventually import eventually
from tests.support.parts import GOOD, deployed, producer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.runtime.transactional.batch import Batch
    from pipeline.runtime.wire.line import Line

pytestmark = pytest.mark.chaos

COUNT = 20
MIN_REPLICAS = "min.insync.replicas"
FLUSH_SECONDS = 30.0


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[Cluster]:
    """Provide three nodes, one of which has gone; what is made for three replicas has two."""
    with Cluster(nodes=3) as cluster:
        cluster.nodes[2].stop()
        yield cluster


@pytest.fixture
def pipeline(own_kafka: Cluster, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Provide one whose deliveries time out long before the client's flush that waits for them, which thus returns."""
    monkeypatch.setattr(producers, "DELIVERY_MS", 3_000)
    monkeypatch.setattr(outputs, "FLUSH_SECONDS", FLUSH_SECONDS)
    deployment = Deployment(own_kafka.bootstrap_servers, {RECORD_PATH.name: CLIENT_BATCHES}, 1)
    deployment.provision()
    return deployment


def need_replicas(pipeline: Deployment, count: int) -> None:
    """Let the legit topic take nothing with fewer replicas, as all leaders know by now; three are not there.

    A leader that has not heard of it takes a record, and then waits for the third: that is another failure.
    """
    pipeline.set_config(topics.LEGIT, {MIN_REPLICAS: str(count)})
    name, kafka = pipeline.name(topics.LEGIT), pipeline.settings.kafka
    with AdminCluster(kafka, "test") as cluster:
        partitions = cluster.describe([name])[name].partitions
    with closing(Lines(kafka, "test")) as lines:
        for number in range(partitions):
            line = lines.to_leader(TopicPartition(name, number))
            eventually(partial(heard_of, line, name, count), WITHIN, f"the leader of partition {number} to hear of it")


def heard_of(line: Line, name: str, count: int) -> bool:
    """Tell whether a node knows how many replicas a topic needs."""
    asked = DescribeConfigsRequest(resources=[(ConfigResourceType.TOPIC, name, [MIN_REPLICAS])])
    (found,) = line.ask(asked, time.monotonic() + 5).results
    return [one.value for one in found.configs] == [str(count)]


def once_they_are_back(pipeline: Deployment, log: pytest.LogCaptureFixture, told: str) -> tuple[bool, int]:
    """Let a detector fail while replicas are missing, in these words, with nothing committed, and go on with them.

    Return whether the audit is clean, and how many are legitimate.
    """
    need_replicas(pipeline, 3)
    pipeline.put(*[GOOD] * COUNT)
    with pipeline.running("detector"):

        def decided() -> object:
            return re.search(f"a transaction failed, .* {told}", log.text) or pipeline.committed("detector")

        eventually(decided, WITHIN, "a transaction to fail")
        assert pipeline.committed("detector") == {}
        need_replicas(pipeline, 2)
        report = pipeline.wait_until_judged(COUNT)
    return report.clean, report.outcomes["legit"]


def test_what_was_not_delivered_is_not_committed(pipeline: Deployment, caplog: pytest.LogCaptureFixture) -> None:
    """Guard: the look at every future in ``Output.commit``; all is judged once the topic takes it."""
    assert once_they_are_back(pipeline, caplog, "Expiring") == (True, COUNT)


@pytest.mark.usefixtures("patient")
def test_nor_is_it_by_our_own_writer(own_kafka: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """It tries again until the flush is over, and tells what was said last."""
    told = "took no batch: (NotEnoughReplicas|RequestTimedOut)"
    assert once_they_are_back(deployed(own_kafka), caplog, told) == (True, COUNT)


def commit_unchecked(output: outputs.Output, batch: Batch) -> None:
    """Commit as ``Output.commit`` does, with no look at the futures."""
    producer = output._producer  # noqa: SLF001 (past the guard)
    output._sender.finish()  # noqa: SLF001
    producer.flush(timeout=FLUSH_SECONDS)
    producer.send_offsets_to_transaction(batch.ends, batch.membership)
    producer.commit_transaction()


def test_without_the_look_at_the_futures_input_is_lost(pipeline: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flush, offsets and commit all succeed although every record of the transaction timed out."""
    monkeypatch.setattr(outputs.Output, "commit", commit_unchecked)
    need_replicas(pipeline, 3)
    pipeline.put(*[GOOD] * COUNT)
    with pipeline.running("detector"):
        eventually(lambda: pipeline.committed("detector") == {0: COUNT}, WITHIN, "the offsets to be committed")
        need_replicas(pipeline, 2)
    report = pipeline.audit()
    assert (report.input, report.lost) == (COUNT, COUNT), report


def test_a_commit_that_does_not_show_yet_is_waited_for(own_kafka: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guard: ``read_between`` reads to the end that ``Cluster.ends`` tells; a reader's own end is before the commit."""
    monkeypatch.setattr(producers, "DELIVERY_MS", int(WITHIN * 1000))
    monkeypatch.setattr(producers, "TRANSACTION_MS", 2 * int(WITHIN * 1000))
    pipeline = deployed(own_kafka)
    place = TopicPartition(pipeline.name(topics.LEGIT), 0)
    with closing(producer_of(pipeline)) as producer:
        producer.begin_transaction()
        producer.send(place.topic, GOOD, partition=0).get(timeout=WITHIN)
        need_replicas(pipeline, 3)
        producer.commit_transaction()
    with closing(reader(pipeline.settings.kafka, "test")) as consumer:
        assert consumer.end_offsets([place]) == {place: 0}
    need_replicas(pipeline, 2)
    (record,) = pipeline.records(topics.LEGIT)
    assert record.value == GOOD
