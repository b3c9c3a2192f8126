"""The offsets that an audit goes by, asked for in the order that makes its answer true while the pipeline runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pipeline.contracts import topics
from pipeline.contracts.moments import milliseconds_of
from pipeline.operations.audit.scope import ALL_TIME, BranchScope, Period, Scope
from pipeline.runtime.clients.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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
    """What is judged, and by topic and partition where each topic begins and ends.

    ``hops`` are the stretches of topics between two stages in which what is under way stands: from what the detector
    has committed there to the end, both by partition.
    """

    scope: Scope
    branches: tuple[BranchScope, ...]
    beginnings: Mapping[Topic, Mapping[int, int]]
    ends: Mapping[Topic, Mapping[int, int]]
    hops: Mapping[Topic, tuple[Mapping[int, int], Mapping[int, int]]] = field(default_factory=dict)


def take_stable_point(
    kafka: KafkaSettings, facts: Mapping[Topic, TopicFacts], period: Period = ALL_TIME
) -> StablePoint:
    """Ask the cluster for all offsets; ``facts`` has every topic of ``READ``, and the hops of the deployment.

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
        hops = _under_way(cluster, kafka, [facts[topic] for topic in facts if topic.gathers])
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
    by_name = {facts[topic].name: topic for topic in facts}
    return StablePoint(scope, branches, beginnings, ends, {by_name[name]: found for name, found in hops.items()})


def _under_way(
    cluster: Cluster, kafka: KafkaSettings, hops: Sequence[TopicFacts]
) -> dict[str, tuple[Mapping[int, int], Mapping[int, int]]]:
    """Return by the name of a hop where what is under way stands, once the committed offsets of the input are known.

    What was committed of the input stands in a hop then, or has come out of the last. Of a hop that was asked for: it
    is behind the offset that we were told, and before the end, which we ask for when all those are known; or it was
    passed on before we were told, to another hop, of which the same holds, or to an output, of which the end comes
    later still. So in whichever order the hops are asked, nothing that has no outcome is outside of these stretches.
    """
    group = kafka.group_of(topics.TRANSACTIONS.consumers[0])
    beginnings = {hop.name: cluster.beginnings(hop.name, hop.partitions) for hop in hops}
    committed = {hop.name: cluster.committed(group, hop.name, hop.partitions) for hop in hops}
    starts = {
        name: {number: max(begin, committed[name].get(number, 0)) for number, begin in found.items()}
        for name, found in beginnings.items()
    }
    return {hop.name: (starts[hop.name], cluster.ends(hop.name, hop.partitions)) for hop in hops}


def _first_after(cluster: Cluster, facts: TopicFacts, moment: datetime | None) -> dict[int, int]:
    if moment is None:
        return {}
    return cluster.at_times(facts.name, dict.fromkeys(range(facts.partitions), milliseconds_of(moment)))
