"""How a person tells a tripped service to go on: a marker in its dead letters, written by ``deadletters resume``.

Services talk through topics and listen on no port, and who looks at the dead letters is who decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts import headers
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.reading import read_between

if TYPE_CHECKING:
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings

IDLE_SECONDS: Final = 10.0


class ResumeWatch:
    """Looks for a marker that was written to a dead-letter topic after :meth:`start`."""

    def __init__(self, settings: KafkaSettings, client_id: str, facts: TopicFacts, service: str) -> None:
        self._settings = settings
        self.advice = (
            "correct the settings and start again, or accept them: "
            f"python -m pipeline.operations.deadletters resume {service}"
        )
        self._client_id = client_id
        self._facts = facts
        self._from: dict[int, int] = {}

    def start(self) -> None:
        """Remember where the dead letters end now.

        Raises:
            KafkaError: no broker answers.

        """
        self._from = self._ends()

    def resumed(self) -> bool:
        """Tell whether a marker was written since.

        Raises:
            KafkaError: no broker answers.
            ReadingStalledError: the dead letters could not be read to their end.

        """
        ends = self._ends()  # kept only once all before them was read
        new = list(read_between(self._settings, self._facts.name, self._from, ends, IDLE_SECONDS))
        self._from = ends
        return any(headers.find(record.headers, headers.MARKER) == headers.RESUME for record in new)

    def _ends(self) -> dict[int, int]:
        with Cluster(self._settings, self._client_id) as cluster:
            return cluster.ends(self._facts.name, self._facts.partitions)
