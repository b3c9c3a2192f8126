"""What the loop has done, told once a second at most: a line for every batch would be hundreds of lines a second."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from pipeline.runtime.places import named
from pipeline.runtime.transactional.figures import LoopFigures

if TYPE_CHECKING:
    from kafka.structs import TopicPartition

    from pipeline.contracts.invalid import InvalidMessageError, Reason
    from pipeline.contracts.records import Record
    from pipeline.runtime.transactional.batch import Batch

logger = logging.getLogger(__name__)

REPORT_SECONDS: Final = 1.0


class Progress:
    """Counts committed batches, records and dead letters, and logs them; ``figures`` are since the begin."""

    def __init__(self, figures: LoopFigures | None = None) -> None:
        self.figures = figures or LoopFigures()
        self._batches = self._records = 0
        self._staged: list[tuple[Record, InvalidMessageError]] = []
        self._letters: dict[Reason, tuple[int, str]] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._reported = time.monotonic()

    def add_letter(self, record: Record, error: InvalidMessageError) -> None:
        """Note a dead letter of the transaction at hand."""
        self._staged.append((record, error))

    def aborted(self) -> None:
        """Note a transaction that was undone, and forget its dead letters."""
        self.figures.aborted()
        self._staged.clear()

    def add(self, batch: Batch, seconds: float) -> None:
        """Note a batch that was committed, so long after its begin; one without records is nothing to tell of."""
        if not len(batch):
            return
        self.figures.committed(batch, seconds, ((record.topic, error.reason) for record, error in self._staged))
        self._batches += 1
        self._records += len(batch)
        self._ends.update((place, end.offset) for place, end in batch.ends.items())
        for record, error in self._staged:
            first = f"{record.topic}:{record.partition}:{record.offset}: {error.detail}"
            count, earlier = self._letters.get(error.reason, (0, first))
            self._letters[error.reason] = (count + 1, earlier)
        self._staged.clear()

    def report_if_due(self) -> None:
        """Log what was committed, unless that was done within the last second."""
        if time.monotonic() - self._reported >= REPORT_SECONDS:
            self.report()

    def report(self) -> None:
        """Log what was committed since the last time, if anything was."""
        self._reported = time.monotonic()
        if self._batches:
            offsets = {name: self._ends[place] for place, name in named(self._ends).items()}
            extra = {"records": self._records, "batches": self._batches, "offsets": offsets}
            logger.info("committed", extra=extra)
        for reason, (count, first) in self._letters.items():
            logger.warning("dead letters: %d %s, the first %s", count, reason, first)
        self._batches = self._records = 0
        self._letters.clear()
        self._ends.clear()
