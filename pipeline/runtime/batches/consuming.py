"""Lets one consumer's ``poll`` return our records, made from whole batches, where the client makes its own one by one.

It leans on names of the client that are not public, all of them here: ``compatible`` says with which versions it was
tested. Fetching, checksums, decompression, aborted transactions, control batches and positions stay the client's.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError, UnsupportedVersionError

from pipeline.runtime.batches.reading import RawBatch, records_in
from pipeline.runtime.batches.varints import CorruptBatchError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka.structs import TopicPartition

    from pipeline.contracts.records import Record

_MAGIC: Final = 2
_LOG_APPEND_TIME: Final = 1


def read_batches(consumer: Any, *, is_input: bool) -> None:  # noqa: ANN401 (a client without types)
    """Let this consumer read whole batches from now on; ``is_input``: from the topic where transactions enter."""
    consumer._fetcher.PartitionRecords = partial(_RecordsOfBatches, is_input=is_input)  # noqa: SLF001


class _RecordsOfBatches(Fetcher.PartitionRecords):  # type: ignore[misc] # kafka-python has no types
    """What was fetched of one partition; ``record_iterator`` yields our records."""

    def __init__(self, *arguments: Any, is_input: bool, **keywords: Any) -> None:  # noqa: ANN401 (the client's own)
        self._is_input = is_input
        super().__init__(*arguments, **keywords)

    def _unpack_records(self, tp: TopicPartition, records: Any, *_deserializers: Any) -> Iterator[Record]:  # noqa: ANN401
        """Yield the records of every batch that is committed and for us, and keep the position behind each."""
        while (batch := records.next_batch()) is not None:
            if not batch.validate_crc():
                raise CorruptRecordError(f"the batch of {tp} at offset {batch.base_offset} fails its checksum")
            if batch.magic != _MAGIC:
                raise UnsupportedVersionError(
                    f"{tp} holds records in format {batch.magic}: PIPELINE_RECORD_PATH=records"
                )
            self.leader_epoch = batch.leader_epoch
            if not self._passed_over(batch):
                for record in records_of(batch, tp, is_input=self._is_input):
                    self.records_read += 1
                    self.next_fetch_offset = record.offset + 1
                    yield record
                self.bytes_read += batch.size_in_bytes
            # Its last records may be gone by compaction.
            self.next_fetch_offset = batch.next_offset
        self.drain()

    def _passed_over(self, batch: Any) -> bool:  # noqa: ANN401 (no types)
        """Tell whether a batch was aborted, or is a marker; every batch has to be shown, in order."""
        if self.isolation_level and batch.has_producer_id():
            self._consume_aborted_transactions_up_to(batch.last_offset)
            if self._contains_abort_marker(batch):
                self.aborted_producer_ids.discard(batch.producer_id)
            elif self._is_batch_aborted(batch):
                return True
        return bool(batch.is_control_batch)


def records_of(batch: Any, place: TopicPartition, *, is_input: bool) -> Iterator[Record]:  # noqa: ANN401 (no types)
    """Yield the records of a batch of the client.

    Raises:
        CorruptRecordError: they are not what their lengths say.

    """
    batch._maybe_uncompress()  # noqa: SLF001 (there is no public way)
    raw = RawBatch(
        buffer=bytes(batch._buffer),  # noqa: SLF001
        at=batch._pos,  # noqa: SLF001
        count=batch.records_count,
        base_offset=batch.base_offset,
        base_timestamp=batch.first_timestamp,
        max_timestamp=batch.max_timestamp,
        log_append=batch.timestamp_type == _LOG_APPEND_TIME,
    )
    try:
        yield from records_in(raw, place.topic, place.partition, is_input=is_input)
    except CorruptBatchError as error:
        raise CorruptRecordError(f"the batch of {place} at offset {raw.base_offset}: {error}") from error
