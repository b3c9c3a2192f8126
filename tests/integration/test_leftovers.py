"""Transactions that are over for their coordinator and open for a partition, on a broker that lets us make them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaAdminClient
from kafka.errors import ClusterAuthorizationFailedError
from kafka.structs import TopicPartition

from kafka_local import Cluster
from kafka_local.ports import free_port
from pipeline.contracts import topics
from pipeline.runtime.clients import leftovers as module
from pipeline.runtime.clients import producers
from pipeline.runtime.clients.cluster import Cluster as Admin
from pipeline.runtime.clients.leftovers import HangingTransactionError, Leftovers
from pipeline.runtime.clients.producers import end_producer, transactional_producer
from tests.support.deployment import WITHIN, Deployment
from tests.support.eventually import eventually
from tests.support.proxy import Proxy
from tests.support.rules import in_force, pushed, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.contracts.topics import Topic

pytestmark = pytest.mark.integration

LARGEST = 1_000_000


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """Provide a way to the Kafka below that can be cut."""
    with Proxy(free_port(())) as between:
        yield between


@pytest.fixture(scope="module")
def trusting(proxy: Proxy) -> Iterator[Cluster]:
    """Provide a Kafka that takes records of a transaction which its coordinator knows nothing of."""
    properties = {"transaction.partition.verification.enable": "false"}
    with Cluster(properties=properties, fronts=[proxy.port]) as cluster:
        proxy.target = cluster.nodes[0].back_port or 0
        yield cluster


@pytest.fixture
def pipeline(trusting: Cluster, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Provide topics on it; what is under way is so until a test ends it, however slow the machine is."""
    monkeypatch.setattr(producers, "DELIVERY_MS", int(WITHIN * 1000))
    monkeypatch.setattr(producers, "TRANSACTION_MS", 2 * int(WITHIN * 1000))
    deployment = Deployment(trusting.bootstrap_servers)
    deployment.provision()
    return deployment


class Holder:
    """A replica's producer that leaves something open in partition 0 of a topic."""

    def __init__(self, pipeline: Deployment, name: str, topic: Topic = topics.LEGIT, family: str = "detector-") -> None:
        self._settings = pipeline.settings.kafka
        self._topic = pipeline.name(topic)
        self.family = f"{self._settings.id_prefix}-{family}"
        self.id = name if name.startswith("other") else f"{self.family}{name}"
        self._partitions = pipeline.partitions
        self.producer: Any = self.made_anew()

    def made_anew(self) -> Any:
        """Return a new producer of the same id."""
        return transactional_producer(self._settings, self.id, LARGEST)

    def transact(self, value: bytes, *, commit: bool) -> None:
        """Write a record in a transaction that is ended as it should be."""
        self.producer.begin_transaction()
        self.producer.send(self._topic, value=value, key=b"k", partition=0).get(timeout=WITHIN)
        (self.producer.commit_transaction if commit else self.producer.abort_transaction)()
        # It is answered before its markers are written.
        eventually(lambda: not self.open_starts(), WITHIN, "the transaction to be over")

    def open_starts(self) -> list[int]:
        """Return where transactions of ours that partition 0 holds open begin."""
        place = TopicPartition(self._topic, 0)
        with closing(KafkaAdminClient(bootstrap_servers=self._settings.brokers)) as admin:
            found = admin.describe_producers([place])[place].active_producers
        own = [one for one in found if one.producer_id in self.producer.producer_ids]
        return [one.current_transaction_start_offset for one in own if one.current_transaction_start_offset >= 0]

    def leave_open(self, value: bytes, *, end: bool = True) -> int:
        """Write a record of whose transaction nobody tells the coordinator, as if the marker had been left out.

        Return its offset.
        """
        self.producer.begin_transaction()
        place = TopicPartition(self._topic, 0)
        self.producer._transaction_manager._partitions_in_transaction.add(place)  # noqa: SLF001
        start = int(self.producer.send(place.topic, value=value, key=b"k", partition=0).get(timeout=WITHIN).offset)
        if end:
            end_producer(self.producer, 0.0)
        return start

    def leftovers(self) -> Leftovers:
        """Return what this replica would look for leftovers with."""
        with Admin(self._settings, "test") as admin:
            facts = admin.describe([self._topic])[self._topic]
        return Leftovers(self._settings, self.id, self.family, self._settings.group_of("detector"), [facts])


@pytest.mark.parametrize("committed", [True, False])
def test_what_we_left_open_ends_as_the_coordinator_ended_it(pipeline: Deployment, *, committed: bool) -> None:
    """Before the id is initialised anew, while the coordinator still knows."""
    holder = Holder(pipeline, "one")
    holder.transact(b"first", commit=committed)
    holder.leave_open(b"left")
    leftovers = holder.leftovers()
    leftovers.before(holder.producer.producer_ids, {}, offsets_sent=False)
    assert holder.open_starts() == []
    with closing(holder.made_anew()) as producer:
        assert leftovers.after(producer.producer_ids) == 0
    read = [record.value for record in pipeline.records(topics.LEGIT)]
    assert read == ([b"first", b"left"] if committed else [])


@pytest.mark.parametrize("known", [True, False])
def test_what_was_committed_is_not_aborted_with_the_transaction_behind_it(pipeline: Deployment, *, known: bool) -> None:
    """Where it began is known by its futures: without that it would be gone with the one that is under way."""
    holder = Holder(pipeline, "one")
    holder.transact(b"first", commit=True)
    start = holder.leave_open(b"committed", end=False)
    other = TopicPartition(pipeline.name(topics.LEGIT), 1)
    holder.producer.send(other.topic, value=b"under way", partition=1).get(timeout=WITHIN)
    end_producer(holder.producer, 0.0)
    starts = {TopicPartition(other.topic, 0): start} if known else {}
    leftovers = holder.leftovers()
    leftovers.before(holder.producer.producer_ids, starts, offsets_sent=False)
    with closing(holder.made_anew()) as producer:
        leftovers.after(producer.producer_ids)
    read = {record.value for record in pipeline.records(topics.LEGIT)}
    assert read == ({b"first", b"committed"} if known else {b"first"})


def test_what_was_left_open_by_a_process_that_ended_while_it_began_anew_is_aborted(pipeline: Deployment) -> None:
    """Its coordinator knows nothing any more; nobody initialises an id before what was committed is ended."""
    gone, here = Holder(pipeline, "gone"), Holder(pipeline, "here")
    gone.leave_open(b"aborted")
    end_producer(gone.made_anew(), 0.0)
    assert here.leftovers().after(()) == 1
    assert pipeline.records(topics.LEGIT) == []
    end_producer(here.producer)


def test_without_it_what_was_aborted_becomes_visible(pipeline: Deployment) -> None:
    """Guard: ``Leftovers`` in ``Output.replace_producer``; the next commit of the same id ends the old one too."""
    holder = Holder(pipeline, "one")
    holder.transact(b"first", commit=False)
    holder.leave_open(b"aborted")
    holder.producer = holder.made_anew()
    holder.transact(b"second", commit=True)
    end_producer(holder.producer)
    assert [record.value for record in pipeline.records(topics.LEGIT)] == [b"aborted", b"second"]


def test_what_a_replica_that_is_gone_left_open_is_ended_by_another(pipeline: Deployment) -> None:
    """Nobody would ever end it: readers would stop before it."""
    gone, here = Holder(pipeline, "gone"), Holder(pipeline, "here")
    gone.transact(b"first", commit=False)
    gone.leave_open(b"aborted")
    assert here.leftovers().after(()) == 1
    here.transact(b"second", commit=True)
    end_producer(here.producer)
    assert [record.value for record in pipeline.records(topics.LEGIT)] == [b"second"]


def test_what_is_still_under_way_is_left_alone(pipeline: Deployment) -> None:
    """A replica at work, and whoever is no replica of ours, are none of our business."""
    works, foreign, here = Holder(pipeline, "works"), Holder(pipeline, "other-one"), Holder(pipeline, "here")
    foreign.transact(b"first", commit=False)
    foreign.leave_open(b"foreign")
    works.producer.begin_transaction()
    works.producer.send(pipeline.name(topics.LEGIT), value=b"works", partition=1).get(timeout=WITHIN)
    leftovers = here.leftovers()
    assert leftovers.after(()) == 0
    assert leftovers.unclear
    works.producer.commit_transaction()
    for holder in (works, here):
        end_producer(holder.producer)


async def refused(*_: object) -> None:
    """Answer as a broker does where we lack the right to write markers."""
    raise ClusterAuthorizationFailedError


def test_a_right_that_we_lack_is_told_and_nothing_is_written(
    pipeline: Deployment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Going on would make aborted records visible; what another left only holds up readers: an error in the log."""
    monkeypatch.setattr(module, "_mark", refused)
    gone, own = Holder(pipeline, "gone"), Holder(pipeline, "own")
    gone.transact(b"first", commit=False)
    gone.leave_open(b"aborted")
    assert own.leftovers().after(()) == 1
    assert "grant us ClusterAction" in caplog.text
    own.transact(b"first", commit=False)
    own.leave_open(b"aborted")
    with pytest.raises(HangingTransactionError, match="grant us ClusterAction"):
        own.leftovers().before(own.producer.producer_ids, {}, offsets_sent=False)


def test_a_producer_knows_that_a_connection_broke(trusting: Cluster, proxy: Proxy) -> None:
    """Guard: ``CountingConnections``; a broker that was started anew may not have ended what we committed last."""
    settings = Deployment(trusting.front_servers).settings.kafka
    with closing(transactional_producer(settings, "test-disturbed", LARGEST)) as producer:
        assert not producer.disturbed
        proxy.cut()
        eventually(lambda: producer.disturbed, WITHIN, "the producer to notice")
    with closing(transactional_producer(settings, "test-disturbed", LARGEST)) as producer:
        assert not producer.disturbed


def test_a_version_of_rules_that_was_left_open_holds_nobody_up(pipeline: Deployment) -> None:
    """Neither who reads the topic nor who puts the next version in force."""
    pushed(pipeline, "one")
    holder = Holder(pipeline, "", topics.RULES, "rules")
    holder.transact(b"of nobody", commit=True)
    holder.leave_open(b"of nobody")
    assert in_force(pipeline) == version_of("one")
    assert holder.open_starts() == []
    pushed(pipeline, "two")
    assert in_force(pipeline) == version_of("two")
