"""How far behind each service is, asked for now and then in a thread of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from dashboard.live.readings import lag_of, readings
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from dashboard.live.readings import Reading
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

    def __init__(self, kafka: KafkaSettings, names: TopicNames) -> None:
        self._kafka, self._names = kafka, names
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
                        self.found = {one.told: self._lag(cluster, one) for one in readings(cluster, self._names)}
                        stop.wait(LOOK_SECONDS)
            except KafkaError:
                stop.wait(LOOK_SECONDS)  # whoever follows the topics has said so

    def _lag(self, cluster: Cluster, reading: Reading) -> dict[int, int]:
        found = lag_of(cluster, self._kafka.group_of(reading.service), reading.topic)
        return {partition: lag for partition, (_, lag) in found.items()}
