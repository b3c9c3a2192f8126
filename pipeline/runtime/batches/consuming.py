"""Lets one consumer's ``poll`` return whole batches, where the client makes records of its own one by one.

What it returns of a partition are pieces: a batch that is wanted whole stays as it was fetched, and its records are
made when they are handled; of one that is wanted in part they are made at once.

It leans on names of the client that are not public, as ``whole`` does: ``compatible`` says with which versions it was
tested. Fetching, checksums, decompression, aborted transactions, control batches and positions stay the client's.
"""

from __future__ import annotations

from functools import partial
from itertools import dropwhile, islice
from typing import TYPE_CHECKING, Any, Final

from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError, UnsupportedVersionError

from pipeline.runtime.batches.whole import WholeBatch, records_of
from pipeline.runtime.pieces import Made

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from kafka.structs import TopicPartition

    from pipeline.contracts.records import Record
    from pipeline.runtime.pieces import Piece

_MAGIC: Final = 2


def read_batches(consumer: Any, *, is_input: bool, hops: Collection[str] = ()) -> None:  # noqa: ANN401 (no types)
    """Let this consumer return pieces from now on.

    ``is_input``: from the topic where transactions enter, and from those named in ``hops``, where none does.
    """
    consumer._fetcher.PartitionRecords = partial(_Pieces, is_input=is_input, hops=hops)  # noqa: SLF001


class _Taken:
    """Pieces, of which the client asks how many records they are, and then for one after the other."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._records = 0

    def add(self, piece: Piece) -> None:
        self._pieces.append(piece)
        self._records += len(piece)

    def __len__(self) -> int:
        return self._records

    def __iter__(self) -> Iterator[Piece]:
        return iter(self._pieces)


class _Pieces(Fetcher.PartitionRecords):  # type: ignore[misc] # kafka-python has no types
    """What was fetched of one partition. ``record_iterator`` yields batches of the client, ``take`` returns pieces."""

    next_fetch_offset: int
    _next_inline_exception: Exception | None

    def __init__(
        self,
        fetch_offset: int,
        tp: TopicPartition,
        records: Any,  # noqa: ANN401 (the client's own, as the rest)
        *rest: Any,  # noqa: ANN401
        is_input: bool,
        hops: Collection[str] = (),
        **more: Any,  # noqa: ANN401
    ) -> None:
        self._is_input = is_input and tp.topic not in hops
        # Of the batch that is being taken in parts: the records that are left, and the offset behind it.
        self._rest: Iterator[Record] | None = None
        self._rest_end = fetch_offset
        super().__init__(fetch_offset, tp, records, *rest, **more)
        self.record_iterator = self._batches(records)

    def take(self, n: int) -> _Taken:
        """Return pieces with up to ``n`` records together, and move the position behind them.

        Raises:
            KafkaError: what comes next cannot be read. What was fetched is forgotten, so that the next poll fetches
                it anew.

        """
        taken = _Taken()
        try:
            self._maybe_raise_next_inline_exception()
            while self._next_inline_exception is None and len(taken) < n and self._take(taken, n - len(taken)):
                pass
        except Exception as error:
            if not len(taken):
                self.drain()
                raise
            self._next_inline_exception = error
        return taken

    def _take(self, taken: _Taken, room: int) -> bool:
        """Add what comes next, if anything does, with as many records as there is room for; return False at the end."""
        if self._rest is None:
            batch = next(self.record_iterator, None)
            if batch is None:
                return False
            # The position may be in the middle of the first.
            if 0 < batch.records_count <= room and batch.base_offset >= self.fetch_offset:
                taken.add(WholeBatch(batch, self.topic_partition, is_input=self._is_input))
                self._passed(batch.records_count, batch.next_offset)
                return True
            records = records_of(batch, self.topic_partition, is_input=self._is_input)
            self._rest, self._rest_end = dropwhile(self._maybe_skip_record, records), batch.next_offset
        part: list[Record] = []
        try:
            part.extend(islice(self._rest, room))
        except CorruptRecordError as error:
            if not part:
                raise
            self._next_inline_exception = error  # what came before is sound
        if part:
            taken.add(Made(part))
            self._passed(len(part), part[-1].offset + 1)
        if len(part) < room and self._next_inline_exception is None:
            # Its last records may be gone by compaction.
            self._rest, self.next_fetch_offset = None, self._rest_end
        return True

    def _passed(self, records: int, position: int) -> None:
        self.records_read += records
        self.next_fetch_offset = position

    def _batches(self, records: Any) -> Iterator[Any]:  # noqa: ANN401 (no types)
        """Yield every batch that is committed and for us; keep the position behind those that are not."""
        place = self.topic_partition
        while (batch := records.next_batch()) is not None:
            if not batch.validate_crc():
                raise CorruptRecordError(f"the batch of {place} at offset {batch.base_offset} fails its checksum")
            if batch.magic != _MAGIC:
                raise UnsupportedVersionError(
                    f"{place} holds records in format {batch.magic}: PIPELINE_RECORD_PATH=records"
                )
            if batch.last_offset_delta < max(0, batch.records_count - 1):
                # Its end would be committed, and its records be read and written again, for ever.
                raise CorruptRecordError(f"the batch of {place} at offset {batch.base_offset} ends before its records")
            self.leader_epoch = batch.leader_epoch
            if self._passed_over(batch):
                self.next_fetch_offset = batch.next_offset
                continue
            self.bytes_read += batch.size_in_bytes
            yield batch
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
