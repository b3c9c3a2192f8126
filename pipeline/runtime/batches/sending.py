"""Collects the records of a transaction by partition, and hands them to the producer as whole batches."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from kafka.structs import TopicPartition

from pipeline.runtime.batches.writing import Lane, packed, packed_headers
from pipeline.runtime.deadletter import RECORD_OVERHEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.contracts.headers import Header
    from pipeline.runtime.batches.writing import BatchBuilder
    from pipeline.runtime.clients.cluster import TopicFacts

# Large enough to be worth a request, small enough that a broker writes one while the next is being made.
BATCH_BYTES: Final = 512 * 1024


class BatchSender:
    """See :class:`~pipeline.runtime.transactional.senders.Sender`.

    No batch is larger than its topic takes, so that none is ever split by the client (see ``producing``); a record that
    is larger than ``BATCH_BYTES`` has a batch of its own.
    """

    def __init__(self) -> None:
        self._producer: Any = None
        self._lanes: dict[TopicPartition, Lane] = {}
        self._futures: list[Any] = []
        self._firsts: dict[TopicPartition, Any] = {}

    def begin(self, producer: Any) -> None:  # noqa: ANN401 (a client without types)
        """Begin anew, with this producer."""
        self._producer = producer
        self._lanes, self._futures, self._firsts = {}, [], {}

    def send(  # noqa: PLR0913, PLR0917 (a record has that many parts)
        self,
        facts: TopicFacts,
        partition: int,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[Header],
        body: bytes | None,
    ) -> None:
        """Take a record, and hand the batch over that has no room for it."""
        if body is None:
            body = packed(key) + packed(value)
        self.lane(facts, partition).add(timestamp_ms, body + packed_headers(headers))

    def lane(self, facts: TopicFacts, partition: int) -> Lane:
        """Return the lane to a partition."""
        place = TopicPartition(facts.name, partition)
        lane = self._lanes.get(place)
        if lane is None:
            limit = min(BATCH_BYTES, facts.max_message_bytes)
            widest = facts.max_message_bytes - RECORD_OVERHEAD_BYTES
            lane = self._lanes[place] = Lane(limit, widest, partial(self._full, place))
        return lane

    def finish(self) -> None:
        """Hand over what is still held back."""
        for place, lane in self._lanes.items():
            rest = lane.take()
            if rest is not None:
                self._hand_over(place, rest)
        self._producer.send_now()

    def _full(self, place: TopicPartition, builder: BatchBuilder) -> None:
        self._hand_over(place, builder)
        self._producer.send_now()

    def _hand_over(self, place: TopicPartition, builder: BatchBuilder) -> None:
        future = self._producer.hand_over(place, builder)
        self._futures.append(future)
        self._firsts.setdefault(place, future)

    def futures(self) -> Iterable[Any]:
        """Return the future of every batch."""
        return self._futures

    def firsts(self) -> dict[TopicPartition, Any]:
        """Return by partition the future of the first record."""
        return self._firsts
