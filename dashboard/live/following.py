"""Reads the outcomes of all transactions as they come, by one reader in a thread of its own."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from dashboard.live.row import DEAD_LETTER, FRAUD, LEGIT, row_of
from pipeline.contracts import headers, topics
from pipeline.contracts.records import record_of
from pipeline.runtime import clock
from pipeline.runtime.backoff import growing_waits
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.reading import Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from dashboard.live.row import Row
    from pipeline.contracts.codec import Codec
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.lifecycle import Stop
    from pipeline.runtime.settings import TopicNames

logger = logging.getLogger(__name__)

CLIENT_ID: Final = "dashboard"
FOLLOWED: Final = {topics.LEGIT: LEGIT, topics.FRAUD: FRAUD, topics.TRANSACTIONS_DEAD_LETTER: DEAD_LETTER}
BACK_MS: Final = 900_000  # what the charts show
DAY_MS: Final = 86_400_000  # of frauds, as much as the sum of today needs


class Following:
    """Follows the outcomes, and gives them to ``take``, some at a time, with whether they are *live*.

    That they are when what was there at the beginning has been read: the age of each is its latency then. It begins a
    quarter of an hour ago, with frauds at midnight of UTC, and after an error where it was. ``connected`` tells whether
    Kafka answered last. ``partitions`` is by name of a topic.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        names: TopicNames,
        partitions: Mapping[str, int],
        codec: Codec,
        take: Callable[[list[Row], bool], None],
    ) -> None:
        self._kafka, self._codec, self._take = kafka, codec, take
        self._branches = {names[topic]: branch for topic, branch in FOLLOWED.items()}
        self._partitions = {name: partitions[name] for name in self._branches}
        self._next: dict[tuple[str, int], int] = {}
        self.connected = False

    def start(self, stop: Stop) -> threading.Thread:
        """Begin to follow, until a stop is requested."""
        thread = threading.Thread(target=self._live, args=(stop,), name="following", daemon=True)
        thread.start()
        return thread

    def _live(self, stop: Stop) -> None:
        for pause in growing_waits():
            try:
                self._follow(stop)
            except KafkaError as error:
                logger.warning("Kafka does not answer (%s); trying again", type(error).__name__)
            self.connected = False
            if stop.wait(pause):
                return

    def _follow(self, stop: Stop) -> None:
        ends = self._look()
        tail = Tail(self._kafka, self._partitions, self._next)
        live = False
        try:
            while not stop.requested:
                rows = [self._row(record) for record in tail.read()]
                self.connected = True
                if rows:
                    self._take([row for row in rows if row is not None], live)
                if not live and tail.has_reached(ends):
                    live = True
                    self._take([], live)
        finally:
            tail.close()

    def _row(self, raw: Any) -> Row | None:  # noqa: ANN401 (a record of a client without types)
        self._next[raw.topic, raw.partition] = raw.offset + 1
        branch = self._branches[raw.topic]
        if branch == DEAD_LETTER and headers.find(raw.headers, headers.MARKER) is not None:
            return None
        return row_of(record_of(raw, is_input=False), branch, self._codec)

    def _look(self) -> dict[tuple[str, int], int]:
        """Choose where to begin, where that is not known yet, and return where what is there ends."""
        now_ms = clock.now_ms()
        ends: dict[tuple[str, int], int] = {}
        with Cluster(self._kafka, CLIENT_ID) as cluster:
            for name, count in self._partitions.items():
                readable = cluster.readable_ends(name, count)
                ends |= {(name, partition): end for partition, end in readable.items()}
                since_ms = now_ms - BACK_MS
                if self._branches[name] == FRAUD:
                    since_ms = min(since_ms, now_ms // DAY_MS * DAY_MS)
                unknown = [partition for partition in range(count) if (name, partition) not in self._next]
                found = cluster.at_times(name, dict.fromkeys(unknown, since_ms))
                self._next |= {(name, partition): found.get(partition, readable[partition]) for partition in unknown}
        return ends
