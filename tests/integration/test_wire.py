"""Our own writer of transactions on a real Kafka: what it commits is there, and nobody else's is touched."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest
from kafka.errors import (
    CoordinatorNotAvailableError,
    InvalidProducerEpochError,
    KafkaError,
    KafkaTimeoutError,
    ProducerFencedError,
)
from kafka.structs import ConsumerGroupMetadata, MemberState, OffsetAndMetadata, TopicPartition

from kafka_local import Cluster
from kafka_local.ports import free_port
from pipeline.contracts import topics
from pipeline.runtime.batches.producing import BatchProducer
from pipeline.runtime.batches.writing import BatchBuilder, packed, packed_headers
from pipeline.runtime.record_path import BATCHES, CLIENT_BATCHES, record_path
from pipeline.runtime.wire.writer import TransactionWriter
from tests.support.audited import BAD, FRAUD, GOOD
from tests.support.deployment import WITHIN, Deployment
from tests.support.eventually import eventually
from tests.support.parts import group_of, member
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.integration

T = TypeVar("T")
FLUSH_SECONDS: Final = 15.0
FENCED: Final = (ProducerFencedError, InvalidProducerEpochError)


def initialised(make: Callable[[], T]) -> T:
    """Return what ``make`` makes, as services do at their start: a young cluster has no coordinator at once."""

    def tried() -> T | None:
        with suppress(KafkaTimeoutError, CoordinatorNotAvailableError):
            return make()
        return None

    made = eventually(tried, WITHIN, "an id that is initialised")
    assert made is not None
    return made


def writer_of(pipeline: Deployment, name: str = "one") -> TransactionWriter:
    """Return a writer with an id of this test."""
    return initialised(lambda: TransactionWriter(pipeline.settings.kafka, f"test-{pipeline.tag}-{name}"))


def place(pipeline: Deployment, partition: int = 0) -> TopicPartition:
    """Return where is written to."""
    return TopicPartition(pipeline.name(topics.LEGIT), partition)


def hand(own: TransactionWriter, where: TopicPartition, *values: bytes) -> Any:
    """Hand one batch over."""
    builder = BatchBuilder(10**6)
    for value in values:
        builder.add(int(time.time() * 1000), packed(None) + packed(value) + packed_headers([]))
    return own.hand_over(where, builder)


def membership(pipeline: Deployment, member_id: str = "", generation: int = -1) -> ConsumerGroupMetadata:
    """Return who commits offsets: nobody in particular, or a member."""
    return ConsumerGroupMetadata(group_of(pipeline), generation, member_id, None, MemberState.STABLE)


def transact(
    own: TransactionWriter, pipeline: Deployment, *values: bytes, offset: int = 0, commit: bool = True
) -> None:
    """Write a transaction."""
    own.begin_transaction()
    told = hand(own, place(pipeline), *values)
    own.flush(FLUSH_SECONDS)
    assert told.exception is None
    if offset:
        source = TopicPartition(pipeline.name(topics.TRANSACTIONS), 0)
        own.send_offsets_to_transaction({source: OffsetAndMetadata(offset, "", -1)}, membership(pipeline))
    (own.commit_transaction if commit else own.abort_transaction)()


def values_of(pipeline: Deployment) -> list[bytes | None]:
    """Return what readers of committed records see, in the order of the partition."""
    return [record.value for record in pipeline.records(topics.LEGIT)]


@pytest.mark.usefixtures("patient")
def test_what_is_committed_is_read_and_what_is_aborted_is_not(deploy: Callable[..., Deployment]) -> None:
    """In turns, so that each has the epoch that the one before has brought; offsets go with their transaction."""
    pipeline = deploy()
    with closing(writer_of(pipeline)) as own:
        for number in range(1, 11):
            transact(own, pipeline, b"%d" % number, b"again", offset=number, commit=bool(number % 3))
    kept = [number for number in range(1, 11) if number % 3]
    eventually(lambda: len(values_of(pipeline)) == 2 * len(kept), WITHIN, "all that was committed")
    assert values_of(pipeline) == [value for number in kept for value in (b"%d" % number, b"again")]
    with member(pipeline) as consumer:
        source = TopicPartition(pipeline.name(topics.TRANSACTIONS), 0)
        eventually(lambda: consumer.committed(source) == 10, WITHIN, "the offset of the last")


@pytest.mark.usefixtures("patient")
def test_batches_of_many_partitions_and_several_requests_arrive_in_order(deploy: Callable[..., Deployment]) -> None:
    """More than one request takes, sent while others are under way."""
    pipeline = deploy(partitions=6)
    expected: dict[int, list[bytes]] = {}
    with closing(writer_of(pipeline)) as own:
        own.begin_transaction()
        for number in range(60):
            value = b"%d " % number + b"x" * 200_000
            expected.setdefault(number % 6, []).append(value)
            hand(own, place(pipeline, number % 6), value)
            if number % 7 == 0:
                own.send_now()
        own.flush(FLUSH_SECONDS)
        own.commit_transaction()
    eventually(lambda: len(pipeline.records(topics.LEGIT)) == 60, WITHIN, "all of them")
    found: dict[int, list[bytes]] = {}
    for record in pipeline.records(topics.LEGIT):
        found.setdefault(record.partition, []).append(record.value or b"")
    assert found == expected


@pytest.mark.usefixtures("patient")
def test_who_comes_later_with_the_same_id_ends_what_was_open(deploy: Callable[..., Deployment]) -> None:
    """What the first had written is aborted, and it can commit nothing any more."""
    pipeline = deploy()
    with closing(writer_of(pipeline)) as first:
        first.begin_transaction()
        hand(first, place(pipeline), b"of the first")
        first.flush(FLUSH_SECONDS)
        with closing(writer_of(pipeline)) as second:
            with pytest.raises(FENCED):
                first.commit_transaction()
            transact(second, pipeline, b"of the second")
    eventually(lambda: values_of(pipeline) == [b"of the second"], WITHIN, "what the second has written alone")


@pytest.mark.usefixtures("patient")
def test_a_member_that_is_no_more_commits_no_offsets(deploy: Callable[..., Deployment]) -> None:
    """The group's coordinator refuses a generation that is not its own, and nothing of the transaction counts."""
    pipeline = deploy()
    source = TopicPartition(pipeline.name(topics.TRANSACTIONS), 0)
    with closing(writer_of(pipeline)) as own:
        own.begin_transaction()
        hand(own, place(pipeline), b"of nobody")
        own.flush(FLUSH_SECONDS)
        gone = membership(pipeline, "gone", 17)
        with pytest.raises(KafkaError):
            own.send_offsets_to_transaction({source: OffsetAndMetadata(5, "", -1)}, gone)
        own.abort_transaction()
    assert values_of(pipeline) == []


def test_a_topic_that_is_not_there_is_an_error_in_time(deploy: Callable[..., Deployment]) -> None:
    """Not a wait without an end."""
    pipeline = deploy()
    with closing(writer_of(pipeline)) as own:
        own.begin_transaction()
        hand(own, TopicPartition(f"{pipeline.tag}.nowhere", 0), b"v")
        with pytest.raises(KafkaError, match="has no leader"):
            own.flush(4.0)


@pytest.fixture(scope="module")
def cut_off() -> Iterator[tuple[Cluster, Proxy]]:
    """Provide a Kafka, and a way to it that can be cut."""
    with Proxy(free_port(())) as proxy, Cluster(fronts=[proxy.port]) as cluster:
        proxy.target = cluster.nodes[0].back_port or 0
        yield cluster, proxy


@pytest.mark.usefixtures("patient")
def test_a_connection_that_broke_is_noticed_and_never_mended(cut_off: tuple[Cluster, Proxy]) -> None:
    """Over a new one, an open transaction could reach a broker that began anew."""
    cluster, proxy = cut_off
    pipeline = Deployment(cluster.front_servers)
    pipeline.provision()
    with closing(writer_of(pipeline)) as own:
        transact(own, pipeline, b"before")
        assert not own.disturbed
        own.begin_transaction()
        told = hand(own, place(pipeline), b"never")
        proxy.cut()
        with pytest.raises(KafkaError):
            own.flush(4.0)
        assert told.exception is not None
        assert own.disturbed
        with pytest.raises(KafkaError):
            own.commit_transaction()
    with closing(writer_of(pipeline)) as other:
        assert not other.disturbed
        transact(other, pipeline, b"after")
        proxy.cut()
        eventually(lambda: other.disturbed, WITHIN, "the writer to notice while nothing is under way")
    assert values_of(pipeline) == [b"before", b"after"]


def test_a_broker_that_says_nothing_is_given_up_in_time(cut_off: tuple[Cluster, Proxy]) -> None:
    """Within the flush's deadline, which lies within the transaction's."""
    cluster, proxy = cut_off
    pipeline = Deployment(cluster.front_servers)
    pipeline.provision()
    with closing(writer_of(pipeline)) as own:
        transact(own, pipeline, b"before")
        own.begin_transaction()
        hand(own, place(pipeline), b"never")
        proxy.silence()
        try:
            begun = time.monotonic()
            with pytest.raises(KafkaError, match="took too long"):
                own.flush(4.0)
            assert time.monotonic() - begun < 4.0
        finally:
            proxy.speak()


@pytest.fixture(scope="module")
def old_cluster() -> Iterator[Cluster]:
    """Provide a Kafka whose transactions are of the first protocol, as those of Kafka 3 are."""
    with Cluster() as cluster:
        asked = ["features", "--bootstrap-server", cluster.bootstrap_servers]
        level = ["downgrade", "--feature", "transaction.version=1"]
        subprocess.run([sys.executable, "-m", "kafka_local.tools", *asked, *level], check=True, timeout=180)
        yield cluster


def test_an_older_cluster_gets_the_clients_own_producer(old_cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """It says so, and a detector does its job there."""
    pipeline = Deployment(old_cluster.bootstrap_servers, partitions=1)
    pipeline.provision()
    caplog.set_level("INFO", "pipeline")
    path = record_path(BATCHES, is_input=True)
    name = f"test-{pipeline.tag}"
    with closing(initialised(lambda: path.make_producer(pipeline.settings.kafka, name, 1_000_000))) as made:
        assert isinstance(made, BatchProducer)
    assert "transaction.version of the cluster is 1, not 2" in caplog.text
    pipeline.put(GOOD, FRAUD, BAD, GOOD)
    with pipeline.running("detector"):
        report = pipeline.wait_until_judged(4)
    assert report.clean
    assert report.outcomes == {"legit": 2, "fraud": 1, "dead-letter": 1}


@pytest.mark.usefixtures("patient")
def test_the_clients_own_producer_may_be_asked_for(deploy: Callable[..., Deployment]) -> None:
    """Its transactions and ours of the same id follow each other."""
    pipeline = deploy()
    path = record_path(CLIENT_BATCHES, is_input=True)
    assert path.name == CLIENT_BATCHES
    name = f"test-{pipeline.tag}-one"
    for number in range(2):
        with closing(initialised(lambda: path.make_producer(pipeline.settings.kafka, name, 1_000_000))) as made:
            assert isinstance(made, BatchProducer)
            made.begin_transaction()
            told = hand(made, place(pipeline), b"client %d" % number)
            made.send_now()
            made.flush(FLUSH_SECONDS)
            assert told.exception is None
            made.commit_transaction()
        with closing(writer_of(pipeline)) as own:
            transact(own, pipeline, b"own %d" % number)
    eventually(lambda: len(values_of(pipeline)) == 4, WITHIN, "all of them")
    assert values_of(pipeline) == [b"client 0", b"own 0", b"client 1", b"own 1"]
