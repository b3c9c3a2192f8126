"""The writing side of the loop: one transaction at a time, and a producer that is replaced after any failure."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from kafka.errors import KafkaConnectionError

from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.deadlines import (
    CLOSE_SECONDS,
    COMMIT_SECONDS,
    FLUSH_SECONDS,
    LOOK_AGAIN_SECONDS,
    REPLACE_SECONDS,
)
from pipeline.runtime.clients.producers import end_producer
from pipeline.runtime.transactional.addressing import LATEST_AHEAD_MS, Addressing

if TYPE_CHECKING:
    from collections.abc import Callable

    from kafka.structs import TopicPartition

    from pipeline.contracts.topics import Topic
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.clients.leftovers import Leftovers
    from pipeline.runtime.transactional.batch import Batch
    from pipeline.runtime.transactional.senders import Sender
    from pipeline.runtime.watchdog import Watchdog

logger = logging.getLogger(__name__)

NEVER: Final = float("inf")


class Output(Addressing):
    """Writes to the topics of ``facts``. Nothing is visible to anybody before :meth:`commit` has returned.

    ``now_ms`` tells the wall clock in milliseconds since 1970. ``leftovers`` ends what a broker that came back has
    left open. ``sender`` gives records to the producer.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (the parts of the writing side meet here)
        self,
        make_producer: Callable[[], Any],
        facts: dict[Topic, TopicFacts],
        watchdog: Watchdog,
        now_ms: Callable[[], int],
        leftovers: Leftovers,
        sender: Sender,
    ) -> None:
        super().__init__(facts, sender)
        self._make_producer = make_producer
        self._leftovers = leftovers
        self._watchdog = watchdog
        self._now_ms = now_ms
        # Where the first records of the last transaction stand.
        self._starts: dict[TopicPartition, int] = {}
        self._offsets_sent = False
        self._unsettled = False
        self._look_again_at = NEVER
        self._producer = make_producer()

    @property
    def disturbed(self) -> bool:
        """Tell whether the producer has to be replaced before anything else is written.

        A commit is answered before all partitions know of it. Where a broker is started anew right then, it may leave
        some out, for ever (see ``leftovers``): our next transaction there would decide about the last one as well.
        """
        return self._unsettled or bool(self._producer.disturbed) or time.monotonic() >= self._look_again_at

    def begin(self, batch: Batch) -> None:
        """Open the transaction of a batch. None may be open while idle: it would hold back every reader.

        Where it ends is known by now, so a producer that can asks for the offsets at once, while records are handled.

        Raises:
            KafkaError: a connection is broken.

        """
        self.latest_ms = self._now_ms() + LATEST_AHEAD_MS
        self._sender.begin(self._producer)
        self._producer.begin_transaction()
        self._offsets_sent = self._producer.announces_offsets
        if self._offsets_sent:
            self._producer.announce_offsets(batch.ends, batch.membership)

    def commit(self, batch: Batch) -> None:
        """Make everything visible together with the offsets of the batch.

        Raises:
            KafkaError: the outcome is unknown until :meth:`replace_producer` has returned.

        """
        self._sender.finish()
        self._producer.flush(timeout=FLUSH_SECONDS)
        # A batch that timed out fails its futures and nothing else: flush, send_offsets and commit would all
        # succeed, and its records would be gone.
        for future in self._sender.futures():
            if not future.is_done or future.exception is not None:
                raise future.exception or KafkaError("a record was neither delivered nor refused")
        if self._producer.disturbed:
            raise KafkaConnectionError("a connection broke within a transaction")
        self._offsets_sent = True
        with self._watchdog.step("committing a transaction", COMMIT_SECONDS):
            self._producer.send_offsets_to_transaction(batch.ends, batch.membership)
            self._producer.commit_transaction()
        self._starts = {place: future.value.offset for place, future in self._sender.firsts().items()}

    def abort(self) -> None:
        """Abort what is open, for a process that is about to end on an error of its own."""
        try:
            with self._watchdog.step("aborting a transaction", COMMIT_SECONDS):
                self._producer.abort_transaction()
        except KafkaError as error:
            logger.warning("could not abort; the broker will, in seconds: %s", error)

    def replace_producer(self) -> None:
        """Throw the producer away and take a new one of the same transactional id.

        A producer is never used again after a failure: it may still hold offsets of the aborted transaction and
        commit them with the next. Initialising the id aborts or completes what the old one left; where a broker that
        came back has left that out, we do it, before anything new is written.

        Raises:
            KafkaError: the cluster did not answer; try again.
            HangingTransactionError: something is left open that we may not end.

        """
        with self._watchdog.step("replacing the producer", REPLACE_SECONDS):
            self._unsettled = True
            before = self._producer.producer_ids
            end_producer(self._producer, 0.0)
            self._leftovers.before(before, self._starts, offsets_sent=self._offsets_sent)
            self._producer = self._make_producer()
            self._leftovers.after({*before, *self._producer.producer_ids})
            self._starts, self._offsets_sent, self._unsettled = {}, False, False
            # Of a replica that died with the broker: by then its coordinator has ended it.
            self._look_again_at = time.monotonic() + LOOK_AGAIN_SECONDS if self._leftovers.unclear else NEVER

    def close(self) -> None:
        """Close the producer, within bounds."""
        end_producer(self._producer, CLOSE_SECONDS)
