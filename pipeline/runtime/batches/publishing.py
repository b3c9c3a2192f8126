"""Collects a source's records by partition, and hands them to a producer without transactions as whole batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka.structs import TopicPartition

from pipeline.runtime.batches.partitioning import partitions_of
from pipeline.runtime.batches.producing import hand_over, send_now
from pipeline.runtime.batches.sending import BATCH_BYTES
from pipeline.runtime.batches.writing import BatchBuilder, packed, packed_headers, packed_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.contracts.headers import Header
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.outlets import Keyed


class BatchOutlet:
    """See :class:`~pipeline.runtime.outlets.Outlet`.

    A batch goes when it is full, or as soon as none of its partition is under way: at a low rate at once, at a high one
    it fills meanwhile. The client has one batch of a partition under way at a time, so that none comes later for it.
    No batch is larger than its topic takes, so that none is ever split by the client (see ``hand_over``).
    """

    def __init__(self, producer: Any, facts: TopicFacts) -> None:  # noqa: ANN401 (a client without types)
        self.producer = producer
        self.topic = facts.name
        self._limit = min(BATCH_BYTES, facts.max_message_bytes)
        self._open: dict[int, BatchBuilder] = {}
        self._last: dict[int, Any] = {}
        self._new: list[tuple[Any, int]] = []

    def take(self, records: Sequence[Keyed], timestamp_ms: int, headers: Sequence[Header] = ()) -> None:
        """Add records to the batches of their partitions, and hand over what is full; see :class:`Outlet`."""
        # The client looks for partitions that were added, every few minutes, and finds the number in what it knows.
        partitions = sorted(self.producer.partitions_for(self.topic))
        chosen = partitions_of([key for key, _ in records], len(partitions))
        builders = self._open
        end = packed_headers(headers)
        for number, (key, value) in zip(chosen, records, strict=True):
            partition = partitions[number]
            body = packed_plain(key, value) if not headers else packed(key) + packed(value) + end
            builder = builders.get(partition)
            if builder is None or not builder.add(timestamp_ms, body):
                if builder is not None:
                    self._hand_over(partition)
                    send_now(self.producer)
                builder = builders[partition] = BatchBuilder(self._limit)
                builder.add(timestamp_ms, body)

    def push(self, *, everything: bool) -> bool:
        """Hand over the batches of partitions that have none under way, or all; see :class:`Outlet`."""
        last = self._last
        try:
            for partition in list(self._open):
                if everything or partition not in last or last[partition].is_done:
                    self._hand_over(partition)
        finally:
            if self._new:
                send_now(self.producer)
        return bool(self._open)

    def handed_over(self) -> list[tuple[Any, int]]:
        """Return the future of every batch that is new, and how many records it has."""
        new, self._new = self._new, []
        return new

    def _hand_over(self, partition: int) -> None:
        """Hand over the open batch of a partition. It is no longer open, even where the client refuses it."""
        builder = self._open.pop(partition)
        future = hand_over(self.producer, TopicPartition(self.topic, partition), builder)
        self._last[partition] = future
        self._new.append((future, builder.count))
