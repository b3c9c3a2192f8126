"""What stands in the branches, read committed: when each transaction should have been sent, and where it came."""

from __future__ import annotations

import time
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

from kafka.structs import TopicPartition

from bench.deployment import PARTITIONS
from bench.progress import BRANCHES
from bench.subjects import PROCESSORS
from bench.transactions import intended_ns
from pipeline.runtime.batches.consuming import read_batches
from pipeline.runtime.batches.fetching import fetch_when_polled
from pipeline.runtime.clients.reading import OpenReader
from pipeline.runtime.pieces import records_in_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bench.commits import Commit, Place
    from bench.deployment import Deployment
    from pipeline.contracts.records import Record

MAX_RECORDS: Final = 100_000
PATIENCE_SECONDS: Final = 15.0
NS_PER_MS: Final = 1_000_000
NS_PER_SECOND: Final = 1_000_000_000


class Arrival(NamedTuple):
    """A record of a branch, and when its transaction should have been sent."""

    place: TopicPartition
    offset: int
    intended_ns: int


class Arrivals(OpenReader):
    """Reads both branches from their beginning, for the time of a ``with`` block.

    ``due`` says of a record when it should have been sent, in nanoseconds.
    """

    def __init__(self, deployment: Deployment, due: Callable[[Record], int]) -> None:
        super().__init__(deployment.settings.kafka, f"{deployment.tag}-arrivals")
        self._due = due
        # Whole batches: reading must not cost more than what is measured. As input, nobody's headers are looked at.
        read_batches(self._consumer, is_input=True)
        fetch_when_polled(self._consumer, records_in_all)
        places = [TopicPartition(deployment.name(topic), number) for topic in BRANCHES for number in range(PARTITIONS)]
        self._consumer.assign(places)
        self._consumer.seek_to_beginning(*places)
        for place in places:
            self._consumer.position(place)

    def poll(self, timeout_ms: int = 20) -> list[Arrival]:
        """Return what can be read and was not returned yet, waiting for something for so long."""
        polled = self._consumer.poll(timeout_ms=timeout_ms, max_records=MAX_RECORDS)
        return [
            Arrival(place, record.offset, self._due(record))
            for place, pieces in polled.items()
            for piece in pieces
            for record in piece
        ]

    def take(self, total: int) -> list[Arrival]:
        """Return so many records, or those that there are once nothing more comes."""
        found: list[Arrival] = []
        moved = time.monotonic()
        while len(found) < total and time.monotonic() - moved < PATIENCE_SECONDS:
            if more := self.poll(timeout_ms=200):
                found += more
                moved = time.monotonic()
        return found


def by_id(record: Record) -> int:
    """Return when a transaction of our own load was due, of the monotonic clock; raises ValueError for any other."""
    return intended_ns(record.value or b"")


def by_timestamp(record: Record) -> int:
    """Return the time of a record, of the time of day: when its producer made it, to the millisecond."""
    return record.timestamp_ms * NS_PER_MS


def on_schedule(arrivals: Sequence[Arrival], rate: float) -> list[Arrival]:
    """Return records by their time, each with the moment that an even ``rate`` from the first on demands of it.

    One that was sent too early to the millisecond keeps its own time.
    """
    ordered = sorted(arrivals, key=lambda one: one.intended_ns)
    first = ordered[0].intended_ns if ordered else 0
    due = (first + int(number * NS_PER_SECOND / rate) for number in range(len(ordered)))
    return [one._replace(intended_ns=min(one.intended_ns, moment)) for one, moment in zip(ordered, due, strict=True)]


def stamped(deployment: Deployment, total: int, rate: float) -> list[Arrival]:
    """Return the records of a load that says nothing of when they were due but by its rate."""
    with Arrivals(deployment, by_timestamp) as arrivals:
        return on_schedule(arrivals.take(total), rate)


def processor_of(deployment: Deployment) -> dict[str, str]:
    """Return the group of the processor by the branch that it reads."""
    return {
        deployment.name(topic): deployment.group(service) for topic, service in zip(BRANCHES, PROCESSORS, strict=True)
    }


def settled_after(
    arrivals: Iterable[Arrival], commits: Iterable[Commit], group_of: Mapping[str, str]
) -> list[int | None]:
    """Return for each record the nanoseconds from when it was due to the commit that passed it; None without one."""
    offsets: dict[Place, list[int]] = {}
    moments: dict[Place, list[int]] = {}
    for commit in commits:
        known = offsets.setdefault(commit.place, [])
        # A commit can be told again by who takes a partition over: it passes nothing.
        if not known or commit.offset > known[-1]:
            known.append(commit.offset)
            moments.setdefault(commit.place, []).append(commit.seen_ns)
    by_topic = {(place.group, place.topic, place.partition): place for place in offsets}
    found: list[int | None] = []
    for arrival in arrivals:
        topic, partition = arrival.place
        place = by_topic.get((group_of[topic], topic, partition))
        at = bisect_right(offsets[place], arrival.offset) if place else 0
        passed = place is not None and at < len(offsets[place])
        found.append(moments[place][at] - arrival.intended_ns if place and passed else None)
    return found
