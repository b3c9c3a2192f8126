"""The topics job on a real Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from pipeline.errors import BrokerUnavailableError
from pipeline.runtime.clients.cluster import CLEANUP_POLICY, COMPACT, Cluster
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.provision import ProvisionSettings, TopicMismatchError, provision
from tests.support.deployment import WITHIN, Deployment
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.runtime.clients.cluster import TopicFacts
    from tests.support.broker import Broker

pytestmark = pytest.mark.integration


def test_every_topic_of_the_registry_is_created(deploy: Callable[..., Deployment]) -> None:
    """All topics exist afterwards, and those we write take 64 KiB more than the input."""
    pipeline = deploy(partitions=3)
    facts = once_heard(pipeline)
    assert len(facts) == len(topics.ALL)
    one = facts[pipeline.name(topics.RULES)]
    assert {found.partitions for found in facts.values() if found is not one} == {3}
    assert one.partitions == 1


def once_heard(pipeline: Deployment) -> dict[str, TopicFacts]:
    """Return the facts of all topics once those that we write take 64 KiB more than the input.

    A change of settings is answered before brokers have heard of it.
    """
    names = [pipeline.name(topic) for topic in topics.ALL]

    def facts() -> dict[str, TopicFacts] | None:
        with Cluster(pipeline.settings.kafka, "test") as cluster:
            found = cluster.describe(names)
        limits = {name: one.max_message_bytes for name, one in found.items()}
        entry = limits.pop(pipeline.name(topics.TRANSACTIONS))
        return found if set(limits.values()) == {entry + topics.OUTPUT_HEADROOM_BYTES} else None

    return eventually(facts, WITHIN, "outputs to take more than the input") or {}


def test_a_second_run_changes_nothing(deploy: Callable[..., Deployment]) -> None:
    """The job can run again at any time: ids and partitions stay as they are."""
    pipeline = deploy()
    before = once_heard(pipeline)
    pipeline.provision()
    with Cluster(pipeline.settings.kafka, "test") as cluster:
        assert cluster.describe(before) == before


def test_what_keeps_the_last_of_each_key_never_deletes_by_time(deploy: Callable[..., Deployment]) -> None:
    """Also where somebody made the topic by hand, or changed it."""
    pipeline = deploy()
    name = pipeline.name(topics.RULES)
    with Cluster(pipeline.settings.kafka, "test") as cluster:
        assert cluster.config([name], CLEANUP_POLICY) == {name: COMPACT}
        pipeline.set_config(topics.RULES, {CLEANUP_POLICY: "delete"})
        pipeline.provision()
        corrected = {name: COMPACT}
        eventually(lambda: cluster.config([name], CLEANUP_POLICY) == corrected, WITHIN, "what is compacted again")


def test_a_topic_with_too_few_partitions_is_refused(deploy: Callable[..., Deployment]) -> None:
    """The error names the topic, what it has, what was declared and what to do."""
    pipeline = deploy(partitions=2)
    more = pipeline.environ | {"TOPIC_PARTITIONS": "5"}
    with pytest.raises(TopicMismatchError) as refused:
        provision(ProvisionSettings.from_env(more), Stop())
    assert f"{pipeline.name(topics.LEGIT)} has 2" in str(refused.value)
    assert "--partitions 5" in str(refused.value)


def test_more_partitions_than_declared_are_accepted(deploy: Callable[..., Deployment]) -> None:
    """A topic that somebody has extended is not refused."""
    pipeline = deploy(partitions=3)
    provision(ProvisionSettings.from_env(pipeline.environ | {"TOPIC_PARTITIONS": "1"}), Stop())
    name = pipeline.name(topics.LEGIT)
    with Cluster(pipeline.settings.kafka, "test") as cluster:
        assert cluster.describe([name])[name].partitions == 3


def test_the_names_of_older_setups_work_by_variables_alone(kafka: Broker) -> None:
    """Topics of other names, two partitions and several bootstrap addresses need nothing but variables."""
    pipeline = Deployment(kafka.bootstrap, partitions=2)
    older = {
        "KAFKA_BROKER_URL": f"127.0.0.1:1,{kafka.bootstrap},127.0.0.1:2",
        "TRANSACTIONS_TOPIC": f"payments-{pipeline.tag}",
        "FRAUD_TOPIC": f"fraud_payments-{pipeline.tag}",
        "LEGIT_TOPIC": f"legit_payments-{pipeline.tag}",
        "RULES_TOPIC": f"rules-{pipeline.tag}",
    }
    provision(ProvisionSettings.from_env(pipeline.environ | older), Stop())
    with Cluster(pipeline.settings.kafka, "test") as cluster:
        found = cluster.describe([older["FRAUD_TOPIC"], f"{older['TRANSACTIONS_TOPIC']}.dead-letter"])
    assert [facts.partitions for facts in found.values()] == [2, 2]


def test_replication_that_cannot_be_had_is_told(kafka: Broker) -> None:
    """More replicas than brokers: the job ends within its time and the error carries what the broker said."""
    pipeline = Deployment(kafka.bootstrap, {"TOPIC_REPLICATION_FACTOR": "9", "KAFKA_STARTUP_TIMEOUT_SECONDS": "0.5"})
    with pytest.raises(BrokerUnavailableError, match=r"(?i)replication"):
        pipeline.provision()
