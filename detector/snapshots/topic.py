"""The topic of snapshots of a deployment: read partition by partition, from its beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.producers import plain_producer
from pipeline.runtime.clients.reading import read_between

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings

# Nobody writes here in transactions: what stands there can be read at once.
IDLE_SECONDS: Final = 10.0


class SnapshotsTopic:
    """The topic; ``facts`` are the cluster's."""

    def __init__(self, kafka: KafkaSettings, facts: TopicFacts) -> None:
        self._kafka = kafka
        self.facts = facts
        self._client_id = f"{kafka.id_prefix}-snapshots"

    def read(self, partition: int) -> Iterator[Any]:
        """Yield all records that stand in a partition now.

        Raises:
            ReadingStalledError: nothing came for ten seconds, short of the end.
            KafkaError: no broker answers, or access is refused.

        """
        with Cluster(self._kafka, self._client_id) as cluster:
            starts = cluster.beginnings(self.facts.name, self.facts.partitions)
            ends = cluster.ends(self.facts.name, self.facts.partitions)
        start, end = {partition: starts[partition]}, {partition: ends[partition]}
        yield from read_between(self._kafka, self.facts.name, start, end, IDLE_SECONDS)

    def producer(self) -> Any:  # noqa: ANN401 (a client without types)
        """Return what writes there.

        Raises:
            KafkaError: no broker answers.

        """
        return plain_producer(self._kafka, self._client_id)
