"""Whole batches on their way to the client's producer: their header, and how large they get."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import IllegalStateError
from kafka.record import MemoryRecords
from kafka.record.memory_records import MemoryRecordsBuilder

from pipeline.runtime.batches.producing import ReadyRecords
from pipeline.runtime.batches.sending import BATCH_BYTES, BatchSender
from pipeline.runtime.batches.writing import BatchBuilder, packed, packed_headers
from pipeline.runtime.clients.cluster import TopicFacts
from tests.unit.fake_kafka import FakeProducer, batch_of

if TYPE_CHECKING:
    from kafka.structs import TopicPartition

    from tests.unit.fake_kafka import FakeFuture

BYTES = st.none() | st.binary(max_size=100)
RECORDS = st.lists(st.tuples(st.integers(0, 2**45), BYTES, BYTES), min_size=1, max_size=6)
# Who produces a batch, and the number of its first record: known, or not yet.
STATES = st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**15 - 1), st.integers(0, 2**31 - 1), st.booleans())
SMALL_TOPIC = TopicFacts("small", "id", 4, 1_000)
LARGE_TOPIC = TopicFacts("large", "id", 4, 10_000_000)

Records = list[tuple[int, bytes | None, bytes | None]]
State = tuple[int, int, int, bool]


def ready(records: Records) -> ReadyRecords:
    """Return records that are built and wait for their header."""
    builder = BatchBuilder(10**9)
    for time_ms, key, value in records:
        builder.add(time_ms, packed(key) + packed(value) + packed_headers([("h", b"1")]))
    return ReadyRecords(builder)


def theirs(records: Records) -> MemoryRecordsBuilder:
    """Return the same records in the client's own builder."""
    builder = MemoryRecordsBuilder(2, 0, 10**9)
    for time_ms, key, value in records:
        builder.append(time_ms, key, value, [("h", b"1")])
    return builder


@given(RECORDS, st.none() | STATES)
def test_the_header_is_the_clients_own(records: Records, state: State | None) -> None:
    """Byte for byte with its checksum, transactional or not, and whatever else the client asks is answered alike."""
    ours, expected = ready(records), theirs(records)
    assert (ours.size_in_bytes(), ours.next_offset()) == (expected.size_in_bytes(), expected.next_offset())
    for builder in (ours, expected):
        if state is not None:
            builder.set_producer_state(*state)
        builder.close()
    assert bytes(ours.buffer()) == bytes(expected.buffer())
    assert MemoryRecords(ours.buffer()).next_batch().validate_crc()
    assert ours.size_in_bytes() == len(ours.buffer()) == expected.size_in_bytes()
    assert (ours.is_full(), ours.compression_rate()) == (expected.is_full(), expected.compression_rate())
    for name in ("producer_id", "producer_epoch", "base_sequence"):
        assert getattr(ours, name) == getattr(expected, name)


def test_a_retry_keeps_its_numbers() -> None:
    """Once the header is written another producer or number is refused: a broker would count a retry as new."""
    batch = ready([(5, None, b"v")])
    batch.set_producer_state(7, 1, 100, transactional=True)
    batch.close()
    before = bytes(batch.buffer())
    with pytest.raises(IllegalStateError, match="written"):
        batch.set_producer_state(7, 2, 0, transactional=True)
    batch.close()
    assert bytes(batch.buffer()) == before
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (7, 1, 100)


def test_the_last_numbers_before_the_header_count() -> None:
    """A batch that waited while its producer got another epoch goes out under that one."""
    batch = ready([(5, None, b"v")])
    batch.set_producer_state(7, 1, 100, transactional=True)
    batch.set_producer_state(7, 2, 0, transactional=True)
    batch.close()
    found = MemoryRecords(batch.buffer()).next_batch()
    assert (found.producer_id, found.producer_epoch, found.base_sequence) == (7, 2, 0)


def test_there_is_nothing_to_send_before_the_header() -> None:
    """Nobody gets bytes of which the beginning is missing."""
    with pytest.raises(IllegalStateError, match="not written"):
        ready([(5, None, b"v")]).buffer()


def test_nothing_is_added_to_a_batch_that_is_ready() -> None:
    """The client's own records go into a batch of their own."""
    batch = ready([(5, None, b"v")])
    batch.append(5, None, b"w", [])
    assert batch.next_offset() == 1
    assert batch.is_full()


class Handed:
    """A sender of batches, and what it has handed over; ``finish`` tells all of it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.batches: list[tuple[str, int, bytes]] = []
        self.producer = FakeProducer()
        self.sender = BatchSender()
        self.sender.begin(self.producer)
        patch.setattr(FakeProducer, "hand_over", lambda _, place, builder: self._note(place, builder))

    def _note(self, place: TopicPartition, builder: BatchBuilder) -> FakeFuture:
        self.batches.append((place.topic, place.partition, batch_of(builder)))
        return self.producer.take([])

    def send(self, facts: TopicFacts, partition: int, value: bytes) -> None:
        """Send a record that is nothing but its value."""
        self.sender.send(facts, partition, 5, None, value, [], None)

    def finish(self) -> list[bytes]:
        """Return all batches."""
        self.sender.finish()
        return [batch for *_, batch in self.batches]

    def values(self, facts: TopicFacts, partition: int) -> list[bytes]:
        """Return the values that went to a partition, in their order."""
        parts = [batch for *place, batch in self.batches if place == [facts.name, partition]]
        return [record.value for part in parts for record in MemoryRecords(part).next_batch()]


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> Handed:
    """Provide a sender in a transaction."""
    return Handed(monkeypatch)


@pytest.mark.parametrize("facts", [SMALL_TOPIC, LARGE_TOPIC], ids=lambda facts: facts.name)
def test_no_batch_is_larger_than_it_may_be(handed: Handed, facts: TopicFacts) -> None:
    """Neither than the topic takes nor than half a MiB, and each is filled as far as it goes."""
    limit = min(BATCH_BYTES, facts.max_message_bytes)
    largest = limit // 3
    for number in range(60):
        handed.send(facts, 0, b"v" * (largest * (number % 7) // 7))
    sizes = [len(batch) for batch in handed.finish()]
    assert max(sizes) <= limit
    assert min(sizes[:-1]) > limit - largest - 100
    assert len(handed.values(facts, 0)) == 60


def test_a_record_larger_than_a_batch_is_alone_in_its_own(handed: Handed) -> None:
    """A topic for large records takes it; what stood before it goes out first, what comes behind it later."""
    large = b"v" * (BATCH_BYTES + 1)
    for value in (b"before", large, b"behind"):
        handed.send(LARGE_TOPIC, 0, value)
    assert [MemoryRecords(batch).next_batch().records_count for batch in handed.finish()] == [1, 1, 1]
    assert handed.values(LARGE_TOPIC, 0) == [b"before", large, b"behind"]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400)), max_size=60))
def test_a_partition_keeps_its_order(records: list[tuple[int, int]]) -> None:
    """However records of partitions and topics mix, and however many batches each takes."""
    with pytest.MonkeyPatch.context() as patch:
        handed = Handed(patch)
        values = [b"%d " % number + b"v" * size for number, (_, size) in enumerate(records)]
        for (partition, _), value in zip(records, values, strict=True):
            handed.send(SMALL_TOPIC, partition, value)
            handed.send(LARGE_TOPIC, partition, value)
        handed.finish()
    for partition in range(4):
        expected = [value for (number, _), value in zip(records, values, strict=True) if number == partition]
        assert handed.values(SMALL_TOPIC, partition) == handed.values(LARGE_TOPIC, partition) == expected


def test_every_batch_counts_and_the_first_tells_where_a_partition_begins(handed: Handed) -> None:
    """A future a batch, in the order of their going; by partition that of its first batch."""
    for number in range(9):
        handed.send(SMALL_TOPIC, number % 2, b"v" * 600)
    handed.finish()
    assert list(handed.sender.futures()) == handed.producer.futures
    assert len(handed.producer.futures) == 9
    firsts = {place.partition: future for place, future in handed.sender.firsts().items()}
    order = [partition for _, partition, _ in handed.batches]
    assert all(handed.producer.futures[order.index(partition)] is future for partition, future in firsts.items())
    assert set(firsts) == {0, 1}


def test_what_was_held_back_of_a_transaction_that_failed_is_forgotten(handed: Handed) -> None:
    """It must not get into the next transaction: its records are read again."""
    handed.send(SMALL_TOPIC, 0, b"failed")
    handed.sender.begin(handed.producer)
    handed.send(SMALL_TOPIC, 0, b"again")
    handed.finish()
    assert handed.values(SMALL_TOPIC, 0) == [b"again"]
    assert len(list(handed.sender.futures())) == 1


def test_finishing_again_hands_over_nothing_more(handed: Handed) -> None:
    """What went is not held back any more."""
    handed.send(SMALL_TOPIC, 0, b"once")
    assert len(handed.finish()) == len(handed.finish()) == 1
