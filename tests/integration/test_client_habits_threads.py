"""What a producer's thread does while a broker hangs: each guard is shown to hold, and to be needed.

A test named ``without_...`` takes the guard out and asserts the harm: when it fails, the client has mended the habit.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from kafka.errors import KafkaTimeoutError
from kafka.net.compat import KafkaNetClient

from generator.sending import CHUNK, Sender
from generator.transactions import TransferSource
from kafka_local import Cluster
from pipeline.contracts import topics
from pipeline.runtime.clients import producers
from pipeline.runtime.clients.cluster import DEFAULT_MAX_MESSAGE_BYTES, TopicFacts
from pipeline.runtime.clients.producers import end_producer, plain_producer
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.publisher import Publisher
from pipeline.runtime.record_path import BATCHES, outlet_of
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually
from tests.support.parts import deployed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

LIMIT = 1_000
TURNS = 10


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[Cluster]:
    """Provide a Kafka that may hang, since nobody else uses it."""
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def pipeline(own_kafka: Cluster, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Provide topics on it, for producers that soon give up a request and connect anew."""
    monkeypatch.setattr(producers, "REQUEST_MS", 500)
    return deployed(own_kafka)


@contextmanager
def hanging(cluster: Cluster, pipeline: Deployment) -> Iterator[Any]:
    """Yield a producer as the generator has it, whose broker hangs from now on."""
    producer = plain_producer(pipeline.settings.kafka, f"test-{pipeline.tag}")
    producer.partitions_for(pipeline.name(topics.TRANSACTIONS))
    # Until it has its id the sender makes no requests, and rests whatever it is told.
    eventually(producer._transaction_manager.has_producer_id, WITHIN, "the producer's id")  # noqa: SLF001
    node = cluster.nodes[0]
    node.pause()
    # The signal is sent, and reaches the last of its threads a moment later.
    eventually(lambda: os.waitid(os.P_PID, node.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT), WITHIN, "the node to stop")
    try:
        yield producer
    finally:
        node.resume()
        end_producer(producer, 0.5)


def send(producer: Any, pipeline: Deployment) -> Any:
    """Hand a record over; return its future."""
    return producer.send(pipeline.name(topics.TRANSACTIONS), b"x", partition=0)


def work_of_the_sender(producer: Any, pipeline: Deployment) -> Callable[[], float]:
    """Let the sender's thread wait for a connection to a hanging broker; return what tells its seconds of CPU since."""
    send(producer, pipeline)
    connections = producer._sender._client._manager._conns  # noqa: SLF001 (nothing public tells)
    eventually(lambda: not any(one.connected for one in connections.values()), WITHIN, "a connection to be made anew")
    clock = time.pthread_getcpuclockid(producer._sender.ident)  # noqa: SLF001
    used = time.clock_gettime(clock)
    return lambda: time.clock_gettime(clock) - used


def test_the_sender_rests_while_a_broker_hangs(own_kafka: Cluster, pipeline: Deployment) -> None:
    """Guard: ``PatientNetClient``."""
    with hanging(own_kafka, pipeline) as producer:
        worked, until = work_of_the_sender(producer, pipeline), time.monotonic() + 2
        eventually(lambda: time.monotonic() > until, 10, "two seconds of a hanging broker")
        assert worked() < 0.2


def test_without_the_patient_client_the_sender_spins(
    own_kafka: Cluster, pipeline: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the client's own ``KafkaNetClient`` the thread takes all of a core that it can get."""
    monkeypatch.setattr(producers, "PatientNetClient", KafkaNetClient)
    with hanging(own_kafka, pipeline) as producer:
        worked = work_of_the_sender(producer, pipeline)
        eventually(lambda: worked() > 1, WITHIN, "a second of work for nothing")


MANY = 12  # requests are more than the client lets be under way on one connection


def test_the_sender_rests_while_a_broker_hangs_with_requests(
    own_kafka: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guard: ``connection_delay``; a connection that takes no more requests is not ready, and asked for without end."""
    monkeypatch.setattr(producers, "REQUEST_MS", 5_000)
    pipeline = deployed(own_kafka, partitions=MANY)
    with hanging(own_kafka, pipeline) as producer:
        sender = producer._sender  # noqa: SLF001 (nothing public tells)
        for partition in range(MANY):
            producer.send(pipeline.name(topics.TRANSACTIONS), b"x", partition=partition)
            taken = lambda: not producer._accumulator.has_undrained() or paused(producer)  # noqa: E731, SLF001
            eventually(taken, WITHIN, "a request to be made, or no more to be possible")
        clock = time.pthread_getcpuclockid(sender.ident)
        used, until = time.clock_gettime(clock), time.monotonic() + 2
        eventually(lambda: time.monotonic() > until, 10, "two seconds of a hanging broker")
        assert paused(producer)
        assert time.clock_gettime(clock) - used < 0.4


def paused(producer: Any) -> bool:
    """Tell whether a connection of a producer takes no more requests for now."""
    connections = producer._sender._client._manager._conns  # noqa: SLF001 (nothing public tells)
    return any(one.connected and one.paused for one in list(connections.values()))


def generate(producer: Any, pipeline: Deployment) -> Publisher:
    """Let the generator send as fast as it can for some turns; return what it has handed over."""
    facts = TopicFacts(pipeline.name(topics.TRANSACTIONS), "", 1, DEFAULT_MAX_MESSAGE_BYTES)
    outlet = outlet_of(BATCHES, producer, facts)
    publisher = Publisher(outlet, LIMIT)
    stop, beats = Stop(), count(1)

    def beat() -> None:
        if next(beats) > TURNS:
            stop.request()

    source = TransferSource(Random(1), "EUR")  # noqa: S311 (no secret)
    Sender(source, publisher, 1e9, None, beat).run(stop)
    return publisher


def test_what_is_in_flight_is_bounded_while_a_broker_hangs(own_kafka: Cluster, pipeline: Deployment) -> None:
    """Guard: ``Publisher.room``; all that was handed over is delivered when the broker goes on."""
    with hanging(own_kafka, pipeline) as producer:
        publisher = generate(producer, pipeline)
        assert publisher.in_flight == LIMIT
        own_kafka.nodes[0].resume()
        publisher.finish(WITHIN)
        assert publisher.delivered == LIMIT


def test_without_the_publisher_the_client_takes_what_it_gets(
    own_kafka: Cluster, pipeline: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client neither waits nor refuses when nothing can be sent: memory is its only bound."""
    monkeypatch.setattr(Publisher, "room", CHUNK)
    with hanging(own_kafka, pipeline) as producer:
        assert generate(producer, pipeline).in_flight > 3 * LIMIT


def test_a_producer_ends_in_time_while_a_broker_hangs(own_kafka: Cluster, pipeline: Deployment) -> None:
    """Guard: ``end_producer``; its thread is gone, and what it had not sent has failed."""
    with hanging(own_kafka, pipeline) as producer:
        future = send(producer, pipeline)
        began = time.monotonic()
        end_producer(producer, 0.5)
        assert time.monotonic() - began < 5
        assert not producer._sender.is_alive()  # noqa: SLF001
        assert future.failed()


def test_without_end_producer_closing_raises_and_leaves_the_thread(own_kafka: Cluster, pipeline: Deployment) -> None:
    """The client's own ``close`` gives up before it has ended anything; who waits for the record waits on."""
    with hanging(own_kafka, pipeline) as producer:
        future = send(producer, pipeline)
        with pytest.raises(KafkaTimeoutError):
            producer.close(timeout=0.5)
        assert producer._sender.is_alive()  # noqa: SLF001
        assert not future.is_done
