"""The one-shot job that creates every topic of the registry: ``python -m pipeline.runtime.provision``.

Nothing else creates topics. It can run again at any time: what is there stays, and what is too small for what the
pipeline writes is raised, or refused where only a person can decide.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotenv import find_dotenv, load_dotenv

from pipeline.contracts import topics
from pipeline.errors import PipelineError
from pipeline.runtime import parsing, settings
from pipeline.runtime.clients.cluster import CLEANUP_POLICY, COMPACT, MAX_MESSAGE_BYTES, Cluster
from pipeline.runtime.environment import Environment, Variable
from pipeline.runtime.lifecycle import Service, Stop, run
from pipeline.runtime.settings import CommonSettings
from pipeline.runtime.startup import until_answered, wait_for_topics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.contracts.topics import Topic
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings

logger = logging.getLogger(__name__)

SEGMENT_BYTES = "segment.bytes"
MAX_PARTITIONS = 10_000
MAX_REPLICATION = 100

PARTITIONS = Variable(
    "TOPIC_PARTITIONS",
    parsing.whole_number(1, MAX_PARTITIONS),
    "4",
    "Partitions of every topic that is created, but for that of rules, which has one.",
)
REPLICATION = Variable(
    "TOPIC_REPLICATION_FACTOR",
    parsing.optional(parsing.whole_number(1, MAX_REPLICATION)),
    "",
    "Replicas of every topic that is created; empty: the brokers' default.",
)
MIN_INSYNC = Variable(
    "TOPIC_MIN_INSYNC_REPLICAS",
    parsing.optional(parsing.whole_number(1, MAX_REPLICATION)),
    "",
    "How many replicas must have a record before it counts as written; empty: the brokers' default.",
)
VARIABLES = (*settings.VARIABLES, PARTITIONS, REPLICATION, MIN_INSYNC)


class TopicMismatchError(PipelineError):
    """A topic exists and is not what was declared."""


@dataclass(frozen=True, slots=True)
class ProvisionSettings:
    """How topics are created. ``replication`` and ``min_insync`` are None for the brokers' defaults."""

    common: CommonSettings
    partitions: int
    replication: int | None
    min_insync: int | None

    @classmethod
    def from_env(cls, values: Mapping[str, str]) -> ProvisionSettings:
        """Read the variables.

        Raises:
            SettingsError: some are bad; it lists all of them.

        """
        env = Environment(values)
        read = cls(CommonSettings.read(env), env.read(PARTITIONS), env.read(REPLICATION), env.read(MIN_INSYNC))
        env.check()
        return read


def provision(provided: ProvisionSettings, stop: Stop) -> None:
    """Create what is missing and check what is there.

    Raises:
        BrokerUnavailableError: the cluster does not answer or refuses us.
        TopicMismatchError: a topic has fewer partitions than declared.

    """
    kafka = provided.common.kafka
    client_id = f"{kafka.id_prefix}-topics"
    names = {topic: provided.common.topics[topic] for topic in topics.ALL}
    created = until_answered("creating the topics", lambda: _create_missing(provided, names), kafka, stop.wait)
    facts = wait_for_topics(names.values(), kafka, client_id, stop.wait)
    _check_partitions(provided, [facts[name] for topic, name in names.items() if topic.partitioned])
    raised = until_answered("checking the topics", lambda: _raise_limits(provided, names, facts), kafka, stop.wait)
    until_answered("checking what is compacted", lambda: _compact(kafka, names), kafka, stop.wait)
    for name, found in facts.items():
        state = "created" if name in created else f"raised {MAX_MESSAGE_BYTES} of" if name in raised else "exists"
        logger.info("%s %s", state, name, extra={"partitions": found.partitions})


def _create_missing(provided: ProvisionSettings, names: dict[Topic, str]) -> set[str]:
    configs = {} if provided.min_insync is None else {"min.insync.replicas": str(provided.min_insync)}
    with Cluster(provided.common.kafka, f"{provided.common.kafka.id_prefix}-topics") as cluster:
        missing = {topic: name for topic, name in names.items() if name not in cluster.describe(names.values())}
        for topic, name in missing.items():
            partitions = provided.partitions if topic.partitioned else 1
            cluster.create(name, partitions, provided.replication, configs | _kept(topic))
    return set(missing.values())


def _kept(topic: Topic) -> dict[str, str]:
    segments = {} if topic.segment_bytes is None else {SEGMENT_BYTES: str(topic.segment_bytes)}
    return segments | ({CLEANUP_POLICY: COMPACT} if topic.compacted else {"retention.ms": str(topic.retention_ms)})


def _check_partitions(provided: ProvisionSettings, facts: list[TopicFacts]) -> None:
    small = [found for found in facts if found.partitions < provided.partitions]
    if small:
        told = ", ".join(f"{found.name} has {found.partitions}" for found in small)
        message = (
            f"topics with fewer than the {provided.partitions} partitions of {PARTITIONS.name}: {told}. Lower "
            f"{PARTITIONS.name}, or add partitions (kafka-topics.sh --alter --partitions {provided.partitions}), "
            "knowing that accounts then change their partition"
        )
        raise TopicMismatchError(message)


def _raise_limits(provided: ProvisionSettings, names: dict[Topic, str], facts: dict[str, TopicFacts]) -> set[str]:
    """Let outputs take what the input takes and what is told about it besides; return those that did not."""
    raised = set()
    needed = facts[names[topics.TRANSACTIONS]].max_message_bytes + topics.OUTPUT_HEADROOM_BYTES
    with Cluster(provided.common.kafka, f"{provided.common.kafka.id_prefix}-topics") as cluster:
        for topic, name in names.items():
            if topic is not topics.TRANSACTIONS and facts[name].max_message_bytes < needed:
                cluster.set_config(name, {MAX_MESSAGE_BYTES: str(needed)})
                raised.add(name)
    return raised


def _compact(kafka: KafkaSettings, names: dict[Topic, str]) -> None:
    """Let no topic delete by time that has to keep the last record of each key."""
    compacted = [name for topic, name in names.items() if topic.compacted]
    with Cluster(kafka, f"{kafka.id_prefix}-topics") as cluster:
        for name, policy in cluster.config(compacted, CLEANUP_POLICY).items():
            if policy != COMPACT:
                cluster.set_config(name, {CLEANUP_POLICY: COMPACT})
                logger.warning("%s had cleanup.policy %s, which loses what is old: it is %s now", name, policy, COMPACT)


SERVICE = Service(
    "pipeline.runtime.provision",
    "Create the pipeline's topics, and check those that exist.",
    VARIABLES,
    ProvisionSettings.from_env,
    lambda given, stop, _: provision(given, stop),
    endless=False,
)


if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    sys.exit(run(SERVICE, os.environ, sys.argv[1:]))
