"""Hands whole batches to kafka-python's producer, which knows only records.

It leans on names of the client that are not public, all of them here: ``compatible`` says with which versions it was
tested. Everything behind the hand-over (order, retries, sequence numbers, transactions) stays the client's.
"""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING, Any, Final

from kafka.errors import IllegalStateError
from kafka.producer.future import FutureRecordMetadata
from kafka.producer.producer_batch import ProducerBatch
from kafka.record.default_records import DefaultRecordBase
from kafka.record.util import calc_crc32c

from pipeline.runtime.batches.writing import HEADER_BYTES
from pipeline.runtime.clients.producers import BoundedProducer

if TYPE_CHECKING:
    from kafka.structs import TopicPartition

    from pipeline.runtime.batches.writing import BatchBuilder

METADATA_MS: Final = 3_000

_HEADER: Final = DefaultRecordBase.HEADER_STRUCT
_CRC: Final = struct.Struct(">I")
_CRC_AT: Final = DefaultRecordBase.CRC_OFFSET
_CHECKED_FROM: Final = DefaultRecordBase.ATTRIBUTES_OFFSET
_BEFORE_LENGTH: Final = DefaultRecordBase.AFTER_LEN_OFFSET
_TRANSACTIONAL: Final = DefaultRecordBase.TRANSACTIONAL_MASK
_MAGIC: Final = 2
_UNKNOWN_EPOCH: Final = 0


class ReadyRecords:
    """Records that are built already, in the shape of the client's ``MemoryRecordsBuilder``.

    Who produces them and from which sequence number on is known only when the sender takes them: the header is written
    then. Nothing is ever appended.
    """

    def __init__(self, builder: BatchBuilder) -> None:
        self._records = builder.records()
        self._count = builder.count
        self._times = (builder.base_timestamp, builder.max_timestamp)
        self._size = builder.size
        self._buffer: bytearray | None = None
        self._transactional = False
        self.producer_id = self.producer_epoch = self.base_sequence = -1

    def append(self, *_fields: Any) -> None:  # noqa: ANN401 (a record of the client)
        """Take no record, as a full builder does."""

    def is_full(self) -> bool:
        """Say that it can be sent at once."""
        return True

    def next_offset(self) -> int:
        """Return the number of records."""
        return self._count

    def size_in_bytes(self) -> int:
        """Return what it takes on the wire."""
        return self._size

    def compression_rate(self) -> float:
        """Say that nothing is compressed."""
        return 1.0

    def set_producer_state(
        self,
        producer_id: int,
        producer_epoch: int,
        base_sequence: int,
        transactional: bool,  # noqa: FBT001 (the client's call)
    ) -> None:
        """Take what the header says of the producer.

        Raises:
            IllegalStateError: the header is written already; other numbers would let a retry count as a new batch.

        """
        if self._buffer is not None:
            raise IllegalStateError("the header of this batch is written")
        self.producer_id, self.producer_epoch, self.base_sequence = producer_id, producer_epoch, base_sequence
        self._transactional = transactional

    def close(self) -> None:
        """Write the header, once."""
        if self._buffer is not None:
            return
        buffer = bytearray(HEADER_BYTES)
        buffer += self._records
        attributes = _TRANSACTIONAL if self._transactional else 0
        producer = (self.producer_id, self.producer_epoch, self.base_sequence)
        _HEADER.pack_into(
            buffer, 0, 0, len(buffer) - _BEFORE_LENGTH, _UNKNOWN_EPOCH, _MAGIC, 0, attributes, self._count - 1,
            *self._times, *producer, self._count,
        )  # fmt: skip
        _CRC.pack_into(buffer, _CRC_AT, calc_crc32c(memoryview(buffer)[_CHECKED_FROM:]))
        self._buffer = buffer
        self._records = b""

    def buffer(self) -> bytearray:
        """Return the whole batch, after :meth:`close`."""
        if self._buffer is None:
            raise IllegalStateError("the header of this batch is not written yet")
        return self._buffer


def hand_over(producer: Any, place: TopicPartition, builder: BatchBuilder) -> Any:  # noqa: ANN401 (no types)
    """Give a batch to a producer and return the future of its first record, as ``send`` does of each; see ``send_now``.

    The client splits a batch that a broker finds too large, and tells the futures of its records where they went. This
    one is not told: it stays undecided for ever, and an undecided record is never committed. So no batch may be larger
    than its topic takes; where a topic's limit is lowered meanwhile, smaller transactions are tried.

    Raises:
        KafkaError: nobody knows the topic, or the producer is closed.

    """
    if producer._metadata.partitions_for_topic(place.topic) is None:  # noqa: SLF001 (there is no public way)
        producer._wait_on_metadata(place.topic, METADATA_MS)  # noqa: SLF001
    transactions, accumulator = producer._transaction_manager, producer._accumulator  # noqa: SLF001
    if transactions is not None and transactions.is_transactional():
        transactions.maybe_add_partition_to_transaction(place)
    batch = ProducerBatch(place, ReadyRecords(builder), now=time.monotonic())
    accumulator._appends_in_progress.increment()  # noqa: SLF001
    try:
        with accumulator._tp_lock(place):  # noqa: SLF001
            if accumulator._closed:  # noqa: SLF001
                raise IllegalStateError("the producer is closed")
            accumulator._batches[place].append(batch)  # noqa: SLF001
            accumulator._incomplete.add(batch)  # noqa: SLF001
    finally:
        accumulator._appends_in_progress.decrement()  # noqa: SLF001
    return FutureRecordMetadata(batch.produce_future, 0, builder.base_timestamp, None, -1, -1, -1)


def send_now(producer: Any) -> None:  # noqa: ANN401 (no types)
    """Let the producer send what was handed over: batches that are there together go in one request for each broker."""
    producer._sender.wakeup()  # noqa: SLF001 (there is no public way)


class BatchProducer(BoundedProducer):
    """A producer that takes whole batches, of clusters that do not speak what ``wire`` does."""

    def hand_over(self, place: TopicPartition, builder: BatchBuilder) -> Any:  # noqa: ANN401 (no types)
        """Take a batch; see :func:`hand_over`."""
        return hand_over(self, place, builder)

    def send_now(self) -> None:
        """Send what was handed over; see :func:`send_now`."""
        send_now(self)
