"""Whether anything was ever written because of a partition's records: asked once, where no offset is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.contracts import headers
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.reading import read_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pipeline.contracts.coordinates import Coordinates
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.handler import Place

IDLE_SECONDS: Final = 30.0


class OutputsSeen:
    """Looks through what was written behind a partition; committed records only.

    Offsets alone don't tell: a first transaction that was aborted leaves some as well.
    """

    def __init__(
        self, settings: KafkaSettings, client_id: str, outputs: Iterable[TopicFacts], hops: Sequence[TopicFacts] = ()
    ) -> None:
        """Look in ``outputs``, whose records stay in the partition that they entered by, and in ``hops``.

        ``hops`` are in the order in which records take them: each is written because of those before it, too.
        """
        self._settings = settings
        self._client_id = client_id
        self._outputs = list(outputs)
        self._hops = list(hops)

    def behind(self, place: Place) -> bool:
        """Tell whether anything was written because of a partition of the source topic, or of a hop.

        Raises:
            KafkaError: no broker answers.
            ReadingStalledError: a topic could not be read to its end.

        """
        topic, partition = place
        for number, hop in enumerate(self._hops):
            if hop.name == topic:
                return self._behind_hop(hop, partition, self._hops[number + 1 :])
        return self._written(partition, self._hops, lambda came_from: came_from.partition == partition)

    def _behind_hop(self, hop: TopicFacts, partition: int, later: Sequence[TopicFacts]) -> bool:
        """Ask for the first record that is there: the others are handled behind it.

        What was written because of it may be gone by retention, where anything is. Then nobody knows: it counts as
        written, and a person decides.
        """
        origins = (headers.coordinates_in(record.headers, headers.ORIGIN) for record in self._records(hop, {partition}))
        first = next((origin for origin in origins if origin is not None), None)
        if first is None:
            return False
        if self._written(first.partition, later, lambda came_from: came_from == first):
            return True
        with Cluster(self._settings, self._client_id) as cluster:
            begun = [
                cluster.beginnings(facts.name, facts.partitions)[first.partition % facts.partitions]
                for facts in self._outputs
            ]
        return any(begun)

    def _written(self, partition: int, hops: Sequence[TopicFacts], because: Callable[[Coordinates], bool]) -> bool:
        """Tell whether there is a record with such a source, or origin, of what entered by a partition."""
        stretches = [(facts, {partition % facts.partitions}) for facts in self._outputs]
        stretches += [(facts, set(range(facts.partitions))) for facts in hops]
        return any(
            because(came_from)
            for facts, numbers in stretches
            for record in self._records(facts, numbers)
            if (came_from := _source_of(record)) is not None
        )

    def _records(self, facts: TopicFacts, numbers: set[int]) -> Iterator[Any]:
        with Cluster(self._settings, self._client_id) as cluster:
            starts = cluster.beginnings(facts.name, facts.partitions)
            ends = cluster.ends(facts.name, facts.partitions)
        return read_between(
            self._settings,
            facts.name,
            {number: starts[number] for number in numbers},
            {number: ends[number] for number in numbers},
            IDLE_SECONDS,
        )


def _source_of(record: Any) -> Coordinates | None:  # noqa: ANN401 (a client's record)
    return headers.coordinates_in(record.headers, headers.SOURCE) or headers.coordinates_in(
        record.headers, headers.ORIGIN
    )
