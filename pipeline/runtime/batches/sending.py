"""Collects the records of a transaction by partition, and hands them to the producer as whole batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kafka.structs import TopicPartition

from pipeline.runtime.batches.producing import hand_over, send_now
from pipeline.runtime.batches.writing import BatchBuilder, packed, packed_headers, packed_origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.contracts.coordinates import Coordinates
    from pipeline.contracts.headers import Header
    from pipeline.runtime.clients.cluster import TopicFacts

# Large enough to be worth a request, small enough that a broker writes one while the next is being made.
BATCH_BYTES: Final = 512 * 1024


class BatchSender:
    """See :class:`~pipeline.runtime.transactional.senders.Sender`.

    No batch is larger than its topic takes, so that none is ever split by the client (see ``hand_over``); a record that
    is larger than ``BATCH_BYTES`` has a batch of its own.
    """

    def __init__(self) -> None:
        self._producer: Any = None
        self._open: dict[tuple[str, int], BatchBuilder] = {}
        self._futures: list[Any] = []
        self._firsts: dict[TopicPartition, Any] = {}

    def begin(self, producer: Any) -> None:  # noqa: ANN401 (a client without types)
        """Begin anew, with this producer."""
        self._producer = producer
        self._open, self._futures, self._firsts = {}, [], {}

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
        self._add(facts, partition, timestamp_ms, body + packed_headers(headers))

    def pass_on(self, facts: TopicFacts, partition: int, timestamp_ms: int, body: bytes, origin: Coordinates) -> None:
        """Take a record that has no header but its origin."""
        self._add(facts, partition, timestamp_ms, body + packed_origin(origin))

    def _add(self, facts: TopicFacts, partition: int, timestamp_ms: int, body: bytes) -> None:
        place = (facts.name, partition)
        builder = self._open.get(place)
        if builder is None or not builder.add(timestamp_ms, body):
            if builder is not None:
                self._hand_over(place, builder)
                send_now(self._producer)
            self._open[place] = builder = BatchBuilder(min(BATCH_BYTES, facts.max_message_bytes))
            builder.add(timestamp_ms, body)

    def finish(self) -> None:
        """Hand over what is still held back."""
        for place, builder in self._open.items():
            self._hand_over(place, builder)
        self._open.clear()
        send_now(self._producer)

    def _hand_over(self, place: tuple[str, int], builder: BatchBuilder) -> None:
        partition = TopicPartition(*place)
        future = hand_over(self._producer, partition, builder)
        self._futures.append(future)
        self._firsts.setdefault(partition, future)

    def futures(self) -> Iterable[Any]:
        """Return the future of every batch."""
        return self._futures

    def firsts(self) -> dict[TopicPartition, Any]:
        """Return by partition the future of the first record."""
        return self._firsts
