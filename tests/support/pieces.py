"""The records of a batch, whatever pieces they came in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.contracts.records import Record
    from pipeline.runtime.transactional.batch import Batch


def records_of(batch: Batch) -> list[Record]:
    """Return all records, each partition's in its order."""
    return [record for piece in batch.pieces() for record in piece]
