"""The moment of every commit of every group, from Kafka's own topic of offsets."""

from __future__ import annotations

import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from kafka.structs import TopicPartition

from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.reading import OpenReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.deployment import Deployment

OFFSETS_TOPIC: Final = "__consumer_offsets"
FOUND_WITHIN_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 0.05
MAX_RECORDS: Final = 10_000

_SHORT: Final = struct.Struct(">h")
_INT: Final = struct.Struct(">i")
_VALUE: Final = struct.Struct(">hq")  # its version, the offset; what follows is of no interest here
_COMMITS: Final = (0, 1)  # versions of a key that stands for a commit; 2 and above stand for a group's members


class Place(NamedTuple):
    """Whose offset it is, and of which partition."""

    group: str
    topic: str
    partition: int


class Commit(NamedTuple):
    """An offset that was committed, and when we saw it."""

    place: Place
    offset: int
    seen_ns: int


def place_of(key: bytes) -> Place | None:
    """Return what a record of the topic is about, or None where it is about something other than a commit.

    Raises:
        ValueError: the key ends before it should.

    """
    try:
        if _SHORT.unpack_from(key)[0] not in _COMMITS:
            return None
        group, at = _text(key, _SHORT.size)
        topic, at = _text(key, at)
        return Place(group, topic, _INT.unpack_from(key, at)[0])
    except struct.error as error:
        raise ValueError(f"a key of {len(key)} bytes that ends too early") from error


def offset_of(value: bytes) -> int:
    """Return the offset that a commit's value holds.

    Raises:
        ValueError: the value ends before it should.

    """
    try:
        return int(_VALUE.unpack_from(value)[1])
    except struct.error as error:
        raise ValueError(f"a value of {len(value)} bytes that ends too early") from error


def _text(key: bytes, at: int) -> tuple[str, int]:
    begin = at + _SHORT.size
    end = begin + _SHORT.unpack_from(key, at)[0]
    if not begin <= end <= len(key):
        raise ValueError(f"a text up to byte {end} in a key of {len(key)} bytes")
    return key[begin:end].decode(), end


class CommitWatch(OpenReader):
    """Sees commits as soon as they can be read, for the time of a ``with`` block; those before it are not told.

    A commit inside a transaction can be read once the transaction is committed, which is when it counts.
    """

    def __init__(self, deployment: Deployment, clock: Callable[[], int] = time.monotonic_ns) -> None:
        kafka = deployment.settings.kafka
        super().__init__(kafka, f"{deployment.tag}-commits")
        self._clock = clock
        deadline = time.monotonic() + FOUND_WITHIN_SECONDS
        while not (partitions := self._consumer.partitions_for_topic(OFFSETS_TOPIC)):
            if time.monotonic() > deadline:
                self._consumer.close(autocommit=False)
                raise TimeoutError(f"no {OFFSETS_TOPIC} within {FOUND_WITHIN_SECONDS:g} s")
            # The broker makes it when the first group asks for its coordinator.
            with suppress(KafkaError), Cluster(kafka, f"{deployment.tag}-commits") as cluster:
                cluster.members(deployment.group("detector"))
            time.sleep(PAUSE_SECONDS)
        places = [TopicPartition(OFFSETS_TOPIC, partition) for partition in sorted(partitions)]
        self._consumer.assign(places)
        self._consumer.seek_to_end(*places)
        for place in places:  # the end is that of now, not of the first poll
            self._consumer.position(place)

    def poll(self, timeout_ms: int = 20) -> list[Commit]:
        """Return what was committed since the last call, waiting for something for so long."""
        polled = self._consumer.poll(timeout_ms=timeout_ms, max_records=MAX_RECORDS)
        now, found = self._clock(), []
        for records in polled.values():
            for record in records:
                if record.key is None or record.value is None:
                    continue
                place = place_of(record.key)
                if place is not None:
                    found.append(Commit(place, offset_of(record.value), now))
        return found
