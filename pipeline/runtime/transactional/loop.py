"""The exactly-once loop, stated once for the detector and both processors.

Poll; begin and ask for the offsets; handle and send; save effects; flush; check every future; commit. Any error of the
client throws the producer away, and the committed offset tells what became of the transaction. Any other error ends the
process: a bug is not a poison message.
"""

from __future__ import annotations

import logging
import time
from itertools import chain
from typing import TYPE_CHECKING, Final

from kafka.structs import TopicPartition

from pipeline.runtime.breaker import Breaker, BreakerTrippedError
from pipeline.runtime.clients.deadlines import HANDLE_SECONDS, POLL_SECONDS, SAVE_SECONDS
from pipeline.runtime.transactional.effects import RETRIED, NoEffects
from pipeline.runtime.transactional.handling import handle_all
from pipeline.runtime.transactional.patience import Patience
from pipeline.runtime.transactional.progress import Progress
from pipeline.runtime.transactional.tripped import wait_until_resumed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.contracts.invalid import InvalidMessageError
    from pipeline.contracts.records import Record
    from pipeline.contracts.topics import Topic
    from pipeline.runtime.handler import Handler
    from pipeline.runtime.lifecycle import Stop
    from pipeline.runtime.resume import ResumeWatch
    from pipeline.runtime.transactional.batch import Batch
    from pipeline.runtime.transactional.batch_size import BatchSize
    from pipeline.runtime.transactional.effects import Effects
    from pipeline.runtime.transactional.intake import Intake
    from pipeline.runtime.transactional.output import Output
    from pipeline.runtime.vitals import Vitals
    from pipeline.runtime.watchdog import Watchdog

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0


class TransactionalLoop:
    """Takes records from ``intake`` through ``handler`` to ``output`` until it is stopped."""

    def __init__(  # noqa: PLR0913 (the parts of a service meet here)
        self,
        *,
        service: str,
        intake: Intake,
        output: Output,
        handler: Handler,
        dead_letters: Topic,
        size: BatchSize,
        watchdog: Watchdog,
        vitals: Vitals,
        breaker: Breaker,
        resume: ResumeWatch,
        effects: Effects | None = None,
    ) -> None:
        """Put the parts together; ``vitals`` are told at every turn, at least every few seconds."""
        self._effects: Effects = effects or NoEffects()
        self._floors: Mapping[TopicPartition, int] = {}
        self._service = service
        self._intake = intake
        self._output = output
        self._handler = handler
        self._dead_letters = dead_letters
        self._size = size
        self._watchdog = watchdog
        self._vitals = vitals
        self._breaker = breaker
        self._resume = resume
        self._invalid = 0
        self._progress = Progress()
        self._figures = self._progress.figures
        vitals.add(self._figures.figures)
        self._look_at = self._began = 0.0
        self._polling = Patience(service, "polling")
        self._committing = Patience(service, "a transaction")
        self._renewing = Patience(service, "replacing the producer")

    def run(self, stop: Stop) -> None:
        """Handle records until a stop is requested; the batch at hand is finished first.

        Raises:
            BrokerUnavailableError: the cluster failed many times in a row, or refuses access.
            Exception: whatever a handler raises beside InvalidMessageError.

        """
        try:
            while not stop.requested:
                self._vitals.beat()
                self._progress.report_if_due()
                self._look_if_due()
                if self._output.disturbed:
                    self._renew(stop)
                    continue
                try:
                    with self._watchdog.step("polling", POLL_SECONDS):
                        batch = self._intake.poll(self._size.records)
                except RETRIED as error:
                    self._polling.failed(error, stop)
                    continue
                self._polling.succeeded()
                if batch is not None:
                    self._transact(batch, stop)
        finally:
            self._progress.report()
            self._output.close()
            self._intake.close()

    def _look_if_due(self) -> None:
        """See where reading stands: at every turn until all is well, then once a second."""
        now = time.monotonic()
        if self._vitals.why_not or now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            standing = self._intake.standing()
            self._vitals.why_not, self._figures.lags = standing.why_not, standing.lags

    def _renew(self, stop: Stop) -> None:
        try:
            self._output.replace_producer()
        except RETRIED as error:
            self._renewing.failed(error, stop)
        else:
            self._renewing.succeeded()
            logger.info("a connection had broken: the producer is a new one")

    def _transact(self, batch: Batch, stop: Stop) -> None:
        self._invalid = 0
        self._floors = batch.floors
        try:
            self._output.begin(batch)
            self._began = time.monotonic()
            with self._watchdog.step("handling a batch", HANDLE_SECONDS):
                for pieces in batch.pieces_of.values():
                    handle_all(chain.from_iterable(pieces), self._handler.handle, self._output, self._refuse)
                for record, error in self._effects.refused():
                    self._refuse(record, error)
            seconds = time.monotonic() - self._began
            self._breaker.check(len(batch), self._invalid)
            with self._watchdog.step("saving effects", SAVE_SECONDS):
                self._effects.save({(place.topic, place.partition): end for place, end in batch.reached.items()})
            self._output.commit(batch)
        except RETRIED as error:
            self._size.failed(len(batch))
            self._committing.failed(error, stop)
            self._settle(batch, stop)
        except BreakerTrippedError as error:
            self._settle(batch, stop)
            self._wait_for_a_person(error, stop)
        except Exception:
            self._output.abort()
            raise
        else:
            self._committed(batch)
            self._committing.succeeded()
            self._size.committed(len(batch), batch.mean_bytes(), seconds)

    def _wait_for_a_person(self, error: BreakerTrippedError, stop: Stop) -> None:
        self._figures.tripped, self._vitals.why_not = True, f"tripped: {error}"
        try:
            if wait_until_resumed(error, self._intake, self._resume, self._vitals.beat, stop):
                self._breaker.reset()
        except RETRIED as failure:
            # Nothing was decided: the next batch trips the breaker again.
            self._polling.failed(failure, stop)
        finally:
            self._figures.tripped = False

    def _committed(self, batch: Batch) -> None:
        self._intake.settled(batch)
        self._handler.committed()
        self._breaker.committed(len(batch), self._invalid)
        self._progress.add(batch, time.monotonic() - self._began)

    def _refuse(self, record: Record, error: InvalidMessageError) -> None:
        if self._floors and record.offset < self._floors.get(TopicPartition(record.topic, record.partition), 0):
            return  # its letter was committed before: a database that was restored reads it again
        self._output.send_letter(self._dead_letters, record, error, self._service)
        self._invalid += 1
        self._progress.add_letter(record, error)

    def _settle(self, batch: Batch, stop: Stop) -> None:
        """Find out what became of a transaction that failed: only a new producer makes the coordinator decide."""
        while True:
            self._vitals.beat()
            try:
                self._output.replace_producer()
                if self._intake.has_committed(batch):
                    self._committed(batch)
                else:
                    self._progress.aborted()
                    self._handler.aborted()
                    self._intake.rewind()
            except RETRIED as error:
                self._committing.failed(error, stop)
            else:
                return
