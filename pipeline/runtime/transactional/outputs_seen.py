"""Whether anything was ever written because of a partition's records: asked once, where no offset is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts import headers
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.reading import read_between

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings

IDLE_SECONDS: Final = 30.0


def outputs_seen(settings: KafkaSettings, client_id: str, outputs: Iterable[TopicFacts], partition: int) -> bool:
    """Tell whether a committed record in ``outputs`` was written because of this partition of the source topic.

    Offsets alone don't tell: a first transaction that was aborted leaves some as well.

    Raises:
        KafkaError: no broker answers.
        ReadingStalledError: a topic could not be read to its end.

    """
    for facts in outputs:
        number = partition % facts.partitions
        with Cluster(settings, client_id) as cluster:
            starts = cluster.beginnings(facts.name, facts.partitions)
            ends = cluster.ends(facts.name, facts.partitions)
        for record in read_between(
            settings, facts.name, {number: starts[number]}, {number: ends[number]}, IDLE_SECONDS
        ):
            came_from = headers.coordinates_in(record.headers, headers.SOURCE) or headers.coordinates_in(
                record.headers, headers.ORIGIN
            )
            if came_from is not None and came_from.partition == partition:
                return True
    return False
