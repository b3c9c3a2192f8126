"""The offsets that an audit goes by, asked for in the order that makes its answer true while the pipeline runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.contracts import topics
from pipeline.contracts.moments import milliseconds_of
from pipeline.operations.audit.scope import ALL_TIME, BranchScope, Period, Scope
from pipeline.runtime.clients.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pipeline.contracts.topics import Topic
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings

CLIENT_ID: Final = "audit"

BRANCHES: Final = tuple(topic for topic in topics.produced_by("detector") if topic.dead_letter_of is None)
LETTERS: Final = tuple(topics.dead_letters_of(branch) for branch in BRANCHES)
# In this order: the marker of a record that is seen in a branch stands before the end of the markers.
OUTPUTS: Final = (*BRANCHES, topics.TRANSACTIONS_DEAD_LETTER, *LETTERS)
READ: Final = (topics.TRANSACTIONS, *OUTPUTS)


@dataclass(frozen=True, slots=True)
class StablePoint:
    """What is judged, and by topic and partition where each topic begins and ends."""

    scope: Scope
    branches: tuple[BranchScope, ...]
    beginnings: Mapping[Topic, Mapping[int, int]]
    ends: Mapping[Topic, Mapping[int, int]]


def take_stable_point(
    kafka: KafkaSettings, facts: Mapping[Topic, TopicFacts], period: Period = ALL_TIME
) -> StablePoint:
    """Ask the cluster for all offsets; ``facts`` has every topic of ``READ``.

    The beginnings come first: what is committed below them was removed before it was read, not since. Then the
    committed offsets, then the ends of the outputs: whatever was committed has its outcome or effect before those. The
    end of the input comes last: no outcome before those ends can have an origin behind it. The processors are asked
    before the detector, so that what they have done is not ahead of what is judged.

    Raises:
        KafkaError: no broker answers.

    """
    entry = facts[topics.TRANSACTIONS]
    with Cluster(kafka, CLIENT_ID) as cluster:
        beginnings = {topic: cluster.beginnings(facts[topic].name, facts[topic].partitions) for topic in READ}
        committed = {
            topic: cluster.committed(kafka.group_of(topic.consumers[0]), facts[topic].name, facts[topic].partitions)
            for topic in (*BRANCHES, topics.TRANSACTIONS)
        }
        ends = {
            topic: cluster.ends(facts[topic].name, facts[topic].partitions) for topic in (*OUTPUTS, topics.TRANSACTIONS)
        }
        since, until = (_first_after(cluster, entry, moment) for moment in period)
    scope = Scope(
        entry.name,
        beginnings[topics.TRANSACTIONS],
        committed[topics.TRANSACTIONS],
        ends[topics.TRANSACTIONS],
        period,
        since,
        until,
    )
    branches = tuple(BranchScope(topic, beginnings[topic], ends[topic], committed[topic]) for topic in BRANCHES)
    return StablePoint(scope, branches, beginnings, ends)


def _first_after(cluster: Cluster, facts: TopicFacts, moment: datetime | None) -> dict[int, int]:
    if moment is None:
        return {}
    return cluster.at_times(facts.name, dict.fromkeys(range(facts.partitions), milliseconds_of(moment)))
