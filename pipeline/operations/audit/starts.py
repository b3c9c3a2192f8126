"""From where each output has to be read, so that no outcome of the input that is judged is missed."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Final

from pipeline.contracts import headers
from pipeline.operations.audit.search import Outcome, begin_of
from pipeline.operations.audit.stable_point import CLIENT_ID
from pipeline.operations.deadletters.letters import attempt_in, is_marker
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.reading import Lookup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.contracts.headers import Header
    from pipeline.operations.audit.scope import Scope
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings

IDLE_SECONDS: Final = 30.0
# As far as outcomes overtake each other: what one transaction of the detector holds.
NEAR_RECORDS: Final = 20_000


def starts_for(  # noqa: PLR0913 (what is looked for, and where)
    kafka: KafkaSettings,
    facts: TopicFacts,
    scope: Scope,
    beginnings: Mapping[int, int],
    oldest_ms: Mapping[int, int],
    *,
    ordered: bool,
) -> dict[int, int]:
    """Return by partition from where to read an output of the detector; ``beginnings`` are those of the output.

    An output partition holds the outcomes of an input partition in their order, so the first can be searched for. That
    order breaks where the detector has read input twice, which is just what an audit has to find: so it also begins no
    later than the first record whose time is not before ``oldest_ms``, the earliest record time of the input that is
    judged, by partition. Outcomes keep that time, in whichever order they stand. Where they are not ``ordered``, since
    there are hops in which they overtake each other, it begins there.

    Raises:
        KafkaError: no broker answers.
        ReadingStalledError: the output could not be read.

    """
    if not scope.period.limited or facts.partitions != len(scope.beginnings):
        return dict(beginnings)
    with Cluster(kafka, CLIENT_ID) as cluster:
        ends = cluster.ends(facts.name, facts.partitions)
        readable = cluster.readable_ends(facts.name, facts.partitions)
        by_time = cluster.at_times(facts.name, oldest_ms)
    starts = {}
    with Lookup(kafka, facts.name) as lookup:
        for partition, beginning in beginnings.items():
            if scope.first[partition] >= scope.end[partition]:
                starts[partition] = ends[partition]
                continue

            if not ordered:
                starts[partition] = by_time.get(partition, ends[partition])
                continue

            def look(offset: int, partition: int = partition) -> Outcome | None:
                return first_outcome(lookup, partition, offset, readable[partition], partition)

            found = begin_of(scope.first[partition], beginning, readable[partition], look)
            starts[partition] = min(found, by_time.get(partition, found))
    return starts


def last_origin_near(lookup: Lookup, partition: int, start: int, end: int, origin_partition: int) -> int | None:
    """Return the highest origin among the first outcomes of an input partition; None where there is none.

    Where outcomes may overtake each other, what is before it may have had its own before ``start``.

    Raises:
        ReadingStalledError: the stretch could not be read.

    """
    highest: int | None = None
    with closing(lookup.read(partition, start, end, IDLE_SECONDS)) as records:
        for record in islice(records, NEAR_RECORDS):
            origin = headers.coordinates_in(record.headers, headers.ORIGIN)
            if origin is not None and origin.partition == origin_partition and _in_order(record.headers):
                highest = max(origin.offset, -1 if highest is None else highest)
    return highest


def first_outcome(lookup: Lookup, partition: int, start: int, end: int, origin_partition: int) -> Outcome | None:
    """Return the first outcome of an input partition in a stretch of an output partition, None where there is none.

    What was sent again or released stands out of order, and is no outcome.

    Raises:
        ReadingStalledError: the stretch could not be read.

    """
    with closing(lookup.read(partition, start, end, IDLE_SECONDS)) as records:
        for record in records:
            origin = headers.coordinates_in(record.headers, headers.ORIGIN)
            if origin is None or origin.partition != origin_partition:
                continue
            if _in_order(record.headers) and not is_marker(record.headers):
                return Outcome(record.offset, origin.offset)
    return None


def _in_order(told: list[Header]) -> bool:
    """Tell whether a record stands where the detector has written it: not one that was sent again, or released."""
    return not attempt_in(told) and headers.find(told, headers.RELEASED) is None
