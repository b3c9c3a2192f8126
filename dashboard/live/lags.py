"""How far behind each service is, asked for now and then in a thread of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from pipeline.contracts import topics
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.lifecycle import Stop
    from pipeline.runtime.settings import TopicNames

LOOK_SECONDS: Final = 5.0
CLIENT_ID: Final = "dashboard-lags"


class Lags:
    """Lag by service and partition: offsets between what its group has committed and the end of its topic.

    Markers of transactions take offsets too, so that one or two a partition are no lag. ``found`` is what was seen
    last; a service that has committed nothing is not in it.
    """

    def __init__(self, kafka: KafkaSettings, names: TopicNames, partitions: Mapping[str, int]) -> None:
        self._kafka, self._partitions = kafka, partitions
        self._services = {service: names[topic] for topic in topics.HANDLED for service in topic.consumers}
        self.found: dict[str, dict[int, int]] = {}

    def start(self, stop: Stop) -> threading.Thread:
        """Begin to look, until a stop is requested."""
        thread = threading.Thread(target=self._live, args=(stop,), name="lags", daemon=True)
        thread.start()
        return thread

    def _live(self, stop: Stop) -> None:
        while not stop.requested:
            try:
                with Cluster(self._kafka, CLIENT_ID) as cluster:
                    while not stop.requested:
                        self.found = {service: self._lag(cluster, service) for service in self._services}
                        stop.wait(LOOK_SECONDS)
            except KafkaError:
                stop.wait(LOOK_SECONDS)  # whoever follows the topics has said so

    def _lag(self, cluster: Cluster, service: str) -> dict[int, int]:
        name = self._services[service]
        count = self._partitions[name]
        committed = cluster.committed(self._kafka.group_of(service), name, count)
        ends = cluster.readable_ends(name, count)
        return {partition: max(0, ends[partition] - at) for partition, at in sorted(committed.items())}
