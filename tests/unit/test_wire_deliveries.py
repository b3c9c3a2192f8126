"""Batches under way without a transaction, and who can tell that their answers are there."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, closing
from typing import Any

from kafka.structs import TopicPartition

from pipeline.runtime.batches.producing import ReadyRecords
from pipeline.runtime.batches.writing import BatchBuilder, packed_plain
from pipeline.runtime.wire.deliveries import Deliveries
from pipeline.runtime.wire.delivery import Delivery
from tests.unit.fake_wire import FakeCluster, FakeLine

PLACES = [TopicPartition("out", partition) for partition in range(2)]


class _Line(FakeLine):
    """A line of which a test says when an answer begins to come."""

    def __init__(self, cluster: FakeCluster) -> None:
        super().__init__(cluster)
        self.here, self.there = socket.socketpair()

    @property
    def number(self) -> int:
        """What can be waited for."""
        return self.here.fileno()


class _Lines:
    """A line to the leader of each partition."""

    def __init__(self, by_partition: dict[int, _Line]) -> None:
        self._by_partition = by_partition

    def to_leader(self, place: TopicPartition) -> _Line:
        """Return the line."""
        return self._by_partition[place.partition]


def ready(place: TopicPartition) -> Delivery:
    """Return a batch of one record."""
    builder = BatchBuilder(10**6)
    builder.add(1_795_363_200_123, packed_plain(b"key", b"value"))
    records = ReadyRecords(builder)
    records.set_producer_state(7, 0, 0, transactional=False)
    records.close()
    return Delivery(place, records.buffer())


def test_answers_are_there_once_all_have_begun_to_come() -> None:
    """Nothing is waited for to tell; with nothing under way there is nothing to wait for."""
    cluster = FakeCluster(iter(()))
    with ExitStack() as stack:
        lines = {partition: _Line(cluster) for partition in range(2)}
        for line in lines.values():
            stack.enter_context(closing(line.here))
            stack.enter_context(closing(line.there))
        standing_in: Any = _Lines(lines)
        deliveries = Deliveries(standing_in, None)
        assert deliveries.answered()
        some = [ready(place) for place in PLACES]
        deliveries.send(some, time.monotonic() + 4)
        assert not deliveries.answered()
        lines[0].there.send(b"\0")
        assert not deliveries.answered()
        lines[1].there.send(b"\0")
        assert deliveries.answered()
        assert not any(one.is_done for one in some)
        deliveries.settle(time.monotonic() + 4)
        assert deliveries.answered()
    assert [one.exception for one in some] == [None, None]
