"""Which service reads which topics: those of the registry, and those between two stages that a deployment has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from dashboard.live.warming import Judges, Log
from pipeline.contracts import topics
from pipeline.contracts.rule_marks import mark_in

if TYPE_CHECKING:
    from pipeline.runtime.clients.cluster import Cluster
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.settings import TopicNames


DETECTOR: Final = "detector"


class Reading(NamedTuple):
    """A service that reads a topic; ``told`` is what to call that in few words."""

    service: str
    topic: str
    told: str


def readings(cluster: Cluster, names: TopicNames) -> list[Reading]:
    """Return who reads what, in the order in which transactions pass.

    Raises:
        KafkaError: no broker answers.

    """
    hops = sorted(names.hops_among(cluster.names()), key=lambda hop: hop.key)
    source, *branches = [topic for topic in topics.HANDLED if topic.consumers]
    return [
        Reading(service, names[topic], service if not topic.gathers else f"{service}, {topic.key}")
        for topic in (source, *hops, *branches)
        for service in topic.consumers
    ]


def lag_of(cluster: Cluster, group: str, topic: str) -> dict[int, tuple[int, int]]:
    """Return by partition what a group has committed, and how many offsets there are behind that.

    Raises:
        KafkaError: no broker answers.

    """
    found = cluster.describe([topic])
    if topic not in found:
        return {}
    count = found[topic].partitions
    committed = cluster.committed(group, topic, count)
    ends = cluster.readable_ends(topic, count)
    return {partition: (at, max(0, ends[partition] - at)) for partition, at in sorted(committed.items())}


def judges_of(cluster: Cluster, kafka: KafkaSettings, names: TopicNames) -> Judges:
    """Return by which version of the rules each partition that detectors read was judged last.

    Raises:
        KafkaError: no broker answers.

    """
    group = kafka.group_of(DETECTOR)
    logs: list[Log] = []
    for reading in readings(cluster, names):
        found = cluster.describe([reading.topic]) if reading.service == DETECTOR else {}
        if reading.topic not in found:
            continue
        count = found[reading.topic].partitions
        handled = cluster.handled(group, reading.topic, count)
        if not handled and logs:  # a topic between two stages that this deployment has no more
            continue
        begins, ends = cluster.beginnings(reading.topic, count), cluster.readable_ends(reading.topic, count)
        for partition in range(count):
            done = handled.get(partition)
            at, mark = (begins[partition], None) if done is None else (done.offset, mark_in(done.metadata))
            logs.append(Log(reading.topic, partition, mark, max(0, ends[partition] - at)))
    return Judges(len(cluster.members(group)), logs)
