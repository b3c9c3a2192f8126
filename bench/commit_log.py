"""The moment of every commit, by the marks in Kafka's own topic of offsets: read once all is over.

Watching commits while they come (see ``commits``) takes a third of a core at 1,000 transactions a second, and has the
broker answer a request for each: too much where the cores are full with what is measured. The log knows it afterwards.
"""

from __future__ import annotations

import struct
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kafka.errors import for_code
from kafka.protocol.consumer import FetchRequest
from kafka.record import MemoryRecords
from kafka.structs import TopicPartition

from bench.arrivals import NS_PER_MS
from bench.commits import OFFSETS_TOPIC, Commit, offset_of, place_of
from bench.deployment import OFFSETS_PARTITIONS, SERVICES, offsets_partition
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.wire.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bench.commits import Place
    from bench.deployment import Deployment

FETCH_BYTES: Final = 512 * 1024  # a line takes no answer of a megabyte
WITHIN_SECONDS: Final = 30.0

_MARK: Final = struct.Struct(">hh")  # the key of a mark: its version, and what it says
_COMMITTED: Final = 1
_Topic: Final = FetchRequest.FetchTopic


class _Told(NamedTuple):
    place: Place
    offset: int


class CommitLog:
    """Tells the commits of a deployment's groups between its begin and :meth:`read`.

    A commit counts from its transaction's mark, by the clock of the broker, which is this machine's, to the millisecond
    that begins then. ``clock`` is that of the moments that are returned, in nanoseconds.
    """

    def __init__(self, deployment: Deployment, clock: Callable[[], int] = time.monotonic_ns) -> None:
        kafka = deployment.settings.kafka
        self._behind_ns = time.time_ns() - clock()
        self._cluster = Cluster(kafka, f"{deployment.tag}-commit-log")
        self._lines = Lines(kafka, f"{deployment.tag}-commit-log")
        wanted = {offsets_partition(deployment.group(service)) for service in SERVICES}
        self._begins = {partition: offset for partition, offset in self._ends().items() if partition in wanted}

    def close(self) -> None:
        """Close the connections."""
        self._lines.close()
        self._cluster.close()

    def read(self) -> list[Commit]:
        """Return all commits in the order of each group.

        Raises:
            KafkaError: the broker does not answer.

        """
        ends = self._ends()
        return [
            commit._replace(seen_ns=commit.seen_ns - self._behind_ns)
            for partition, begin in self._begins.items()
            for commit in commits_in(self._batches(partition, begin, ends[partition]))
        ]

    def _ends(self) -> dict[int, int]:
        return self._cluster.ends(OFFSETS_TOPIC, OFFSETS_PARTITIONS)

    def _batches(self, partition: int, begin: int, end: int) -> Iterator[Any]:
        place = TopicPartition(OFFSETS_TOPIC, partition)
        while begin < end:
            line = self._lines.to_leader(place)
            answer = line.ask(_request(place, begin), time.monotonic() + WITHIN_SECONDS)
            (part,) = answer.responses[0].partitions
            if part.error_code:
                raise for_code(part.error_code)(f"{place.topic}:{place.partition}")
            records, before = MemoryRecords(part.records or b""), begin
            while (batch := records.next_batch()) is not None:
                if batch.next_offset > begin:
                    yield batch
                    begin = batch.next_offset
            if begin == before:
                return  # the rest was compacted


def _request(place: TopicPartition, offset: int) -> Any:  # noqa: ANN401 (messages of the client)
    part = _Topic.FetchPartition(partition=place.partition, fetch_offset=offset, partition_max_bytes=FETCH_BYTES)
    topic = _Topic(topic=place.topic, partitions=[part])
    return FetchRequest(max_wait_ms=100, min_bytes=0, max_bytes=FETCH_BYTES, topics=[topic], max_version=12)


def commits_in(batches: Iterable[Any]) -> Iterator[Commit]:
    """Yield the commits in batches of a partition, each with the time of day of its transaction's mark."""
    open_of: defaultdict[int, list[_Told]] = defaultdict(list)
    for batch in batches:
        moment_ns = (batch.max_timestamp + 1) * NS_PER_MS
        if batch.is_control_batch:
            told, said = open_of.pop(batch.producer_id, []), _MARK.unpack_from(next(iter(batch)).key)[1]
            yield from (Commit(*one, moment_ns) for one in told if said == _COMMITTED)
            continue
        found = list(_told_in(batch))
        if batch.is_transactional:
            open_of[batch.producer_id] += found
        else:
            yield from (Commit(*one, moment_ns) for one in found)


def _told_in(batch: Iterable[Any]) -> Iterator[_Told]:
    for record in batch:
        if record.key is not None and record.value is not None:
            place = place_of(record.key)
            if place is not None:
                yield _Told(place, offset_of(record.value))
