"""A batch of the client as a piece of what was polled, and the records in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kafka.errors import CorruptRecordError

from pipeline.runtime.batches.reading import RawBatch, records_in
from pipeline.runtime.batches.varints import CorruptBatchError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka.structs import TopicPartition

    from pipeline.contracts.records import Record

_LOG_APPEND_TIME: Final = 1


class WholeBatch:
    """A piece that is a batch, as it was fetched; see :class:`~pipeline.runtime.pieces.Piece`.

    Its checksum was good and it is unpacked. That its bytes are not what their lengths say is found when the records
    are made: what was handled of it by then is sound, and the transaction fails as with any error of the client.
    """

    __slots__ = ("_batch", "_is_input", "_place", "_records", "end")

    def __init__(self, batch: Any, place: TopicPartition, *, is_input: bool) -> None:  # noqa: ANN401 (no types)
        batch._maybe_uncompress()  # noqa: SLF001 (there is no public way)
        self._batch, self._place, self._is_input = batch, place, is_input
        self._records: int = batch.records_count
        self.end: int = batch.next_offset

    def __len__(self) -> int:
        """Return the number of records, by its header."""
        return self._records

    def __iter__(self) -> Iterator[Record]:
        """Make the records."""
        return records_of(self._batch, self._place, is_input=self._is_input)

    def size(self) -> int:
        """Return what the records take, unpacked, with the few bytes that are around key and value."""
        return len(self._batch._buffer) - int(self._batch._pos)  # noqa: SLF001 (there is no public way)

    def times_ms(self) -> tuple[int, int]:
        """Return the time stamps of the first record and of the latest, by its header."""
        latest = int(self._batch.max_timestamp)
        return (latest if self._batch.timestamp_type == _LOG_APPEND_TIME else int(self._batch.first_timestamp)), latest


def records_of(batch: Any, place: TopicPartition, *, is_input: bool) -> Iterator[Record]:  # noqa: ANN401 (no types)
    """Yield the records of a batch of the client.

    Raises:
        CorruptRecordError: they are not what their lengths say. What was yielded before is sound.

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
