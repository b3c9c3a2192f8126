"""Reads again what was handled before: from some time before given offsets up to them, outside of any group."""

from __future__ import annotations

import logging
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from kafka.errors import KafkaTimeoutError
from kafka.structs import TopicPartition

from pipeline.contracts.moments import moment_of
from pipeline.runtime.clients.consumers import ends_known, reader
from pipeline.runtime.clients.deadlines import COMMITTED_MS
from pipeline.runtime.clients.stretch import Stretch, read_from

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.handler import Place
    from pipeline.runtime.pieces import Piece
    from pipeline.runtime.record_path import RecordPath

logger = logging.getLogger(__name__)

POLL_MS: Final = 200
POLL_RECORDS: Final = 20_000
IDLE_SECONDS: Final = 30.0
FIRST_SECONDS: Final = 5.0
GAP_MS: Final = 60_000
NOWHERE: Final[Mapping[Place, int]] = MappingProxyType({})


class Replay:
    """One reading at a time of partitions of one topic, committed records only."""

    def __init__(self, settings: KafkaSettings, client_id: str, path: RecordPath, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._client_id = client_id
        self._path = path
        self._now_ms = now_ms
        self._consumer: Any = None
        self._stretch: Stretch | None = None

    def open(self, ends: Mapping[TopicPartition, int], reach_ms: int, starts: Mapping[Place, int] = NOWHERE) -> None:
        """Begin at ``starts``, or with the first records that are at most ``reach_ms`` older than those at ``ends``.

        Where none stands at an end yet, the next one may come now.

        Raises:
            KafkaError: the cluster could not tell what it must.

        """
        self._consumer = reader(self._settings, self._client_id)
        self._path.prepare(self._consumer)
        unknown = {place: end for place, end in ends.items() if place not in starts}
        found = self._from_times(unknown, reach_ms) | self._from_offsets({place: starts[place] for place in starts})
        self._stretch = Stretch(self._consumer, found, ends)

    def _from_times(self, ends: Mapping[TopicPartition, int], reach_ms: int) -> dict[TopicPartition, int]:
        if not ends:
            return {}
        places = sorted(ends)
        next_ms = self._next_times(ends)
        since = {place: max(0, next_ms[place] - reach_ms) for place in places}
        found = self._consumer.offsets_for_times(since, timeout_ms=COMMITTED_MS)
        starts = {place: ends[place] if found[place] is None else found[place].offset for place in places}
        self._warn_of_gaps({place: (found[place], since[place]) for place in places if starts[place] < ends[place]})
        return starts

    def _from_offsets(self, starts: Mapping[Place, int]) -> dict[TopicPartition, int]:
        """Return from where it can be read; what retention has removed behind a snapshot is told."""
        if not starts:
            return {}
        places = [TopicPartition(*place) for place in sorted(starts)]
        beginnings = ends_known(self._consumer.beginning_offsets, places)
        for place in places:
            if starts[place] < beginnings[place]:
                logger.warning(
                    "%s:%d begins at %d, and the snapshot that was found is of %d: what is between is not known",
                    place.topic,
                    place.partition,
                    beginnings[place],
                    starts[place],
                )
        return {place: max(starts[place], beginnings[place]) for place in places}

    def _warn_of_gaps(self, found: Mapping[TopicPartition, tuple[Any, int]]) -> None:
        """Say where retention has removed what would have been read."""
        beginnings = ends_known(self._consumer.beginning_offsets, found)
        for place, (first, since_ms) in sorted(found.items()):
            if 0 < beginnings[place] == first.offset and first.timestamp > since_ms + GAP_MS:
                logger.warning(
                    "%s:%d begins at %s, and rules look back to %s: what retention has removed is not known",
                    place.topic,
                    place.partition,
                    moment_of(first.timestamp).isoformat(timespec="seconds"),
                    moment_of(since_ms).isoformat(timespec="seconds"),
                )

    def _next_times(self, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Return when the record at each offset was written, in milliseconds since 1970; now where there is none."""
        now_ms = self._now_ms()
        times = dict.fromkeys(ends, now_ms)
        log_ends = ends_known(self._consumer.end_offsets, ends)
        waiting = {place for place, end in ends.items() if end < log_ends[place]}
        read_from(self._consumer, {place: ends[place] for place in waiting})
        # An open transaction may hide what stands there: it is younger than its time-out then.
        deadline = time.monotonic() + FIRST_SECONDS
        while waiting and time.monotonic() < deadline:
            for place, polled in self._consumer.poll(timeout_ms=POLL_MS, max_records=len(waiting)).items():
                for piece in self._path.read(polled):
                    times[place] = min(times[place], next(iter(piece)).timestamp_ms)
                waiting.discard(place)
                self._consumer.pause(place)
            for place in sorted(waiting):
                if self._consumer.position(place, timeout_ms=POLL_MS) >= log_ends[place]:
                    waiting.discard(place)  # markers alone
        return times

    def read(self) -> list[Piece] | None:
        """Return what one poll brings, or None when every partition was read up to its end.

        Raises:
            KafkaError: nothing came for half a minute, short of an end; or no broker answers.

        """
        if self._stretch is None or self._stretch.over:
            return None
        polled = self._consumer.poll(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
        pieces = [piece for found in polled.values() for piece in self._path.read(found)]
        self._stretch.look()
        stuck = self._stretch.stuck(IDLE_SECONDS)
        if stuck is not None:
            raise KafkaTimeoutError(stuck)
        return pieces

    def close(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            self._consumer.close(autocommit=False)
            self._consumer = None
