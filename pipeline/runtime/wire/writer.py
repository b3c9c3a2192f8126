"""Writes transactions of whole batches: one at a time, on the thread that calls, with no thread of its own.

A transaction is offsets and what is written, then its end. Nothing here waits without an end, and nothing is mended:
after any error the outcome is unknown until another writer of the same transactional id is made.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from kafka.errors import (
    IllegalStateError,
    KafkaConnectionError,
    UnsupportedVersionError,
)

from pipeline.runtime.batches.producing import ReadyRecords
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.deadlines import FLUSH_SECONDS, REQUEST_MS, TRANSACTION_MS
from pipeline.runtime.wire import messages
from pipeline.runtime.wire.coordinators import MOVED, Coordinators
from pipeline.runtime.wire.deliveries import Deliveries
from pipeline.runtime.wire.delivery import Delivery
from pipeline.runtime.wire.lines import GROUP, TRANSACTION, Lines

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kafka.structs import TopicPartition

    from pipeline.runtime.batches.writing import BatchBuilder
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.wire.line import Line

FEATURE: Final = "transaction.version"
SECOND_PROTOCOL: Final = 2


class TransactionWriter:
    """Initialised when it is made: what an earlier holder of its transactional id left open is decided by then."""

    announces_offsets = True

    def __init__(self, settings: KafkaSettings, transactional_id: str) -> None:
        """Connect, and initialise the id.

        Raises:
            UnsupportedVersionError: the cluster does not speak the second protocol of transactions.
            KafkaError: no broker answered, or the id could not be initialised in time.

        """
        self._lines = Lines(settings, transactional_id)
        self._coordinators = Coordinators(self._lines)
        self._deliveries = Deliveries(self._lines, transactional_id)
        self._waiting: list[Delivery] = []
        self._undecided: list[Delivery] = []
        self._sequences: dict[TopicPartition, int] = {}
        self._offsets: _Offsets | None = None
        self._open = False
        try:
            self._who = self._initialised(transactional_id)
        except BaseException:
            self._lines.close()
            raise
        self._before = self._who.producer_id

    def _initialised(self, name: str) -> messages.Identity:
        level = self._lines.features().get(FEATURE, 0)
        if level < SECOND_PROTOCOL:
            raise UnsupportedVersionError(f"{FEATURE} of the cluster is {level}, not {SECOND_PROTOCOL}")
        request = messages.initialising(name, TRANSACTION_MS)
        answer = self._coordinators.ask(TRANSACTION, name, lambda: request, messages.code_of, "initialising")
        return messages.Identity(name, answer.producer_id, answer.producer_epoch)

    @property
    def disturbed(self) -> bool:
        """Tell whether a connection broke since it was made; to be asked while nothing is under way."""
        return not self._lines.well()

    @property
    def producer_ids(self) -> Collection[int]:
        """Return what brokers know our last and our next transaction by: the end may bring another id."""
        return {self._before, self._who.producer_id}

    def begin_transaction(self) -> None:
        """Begin; brokers hear of it with what is written first."""
        if self._open:
            raise IllegalStateError("a transaction is open, or failed")
        self._open = True
        self._waiting, self._undecided, self._sequences = [], [], {}
        self._offsets = None

    def announce_offsets(
        self,
        offsets: Mapping[TopicPartition, Any],
        membership: Any,  # noqa: ANN401 (a client without types)
    ) -> None:
        """Ask for offsets to be a part of the transaction, and go on: whoever writes next waits for the answer.

        A coordinator takes one partition after the other into a transaction, and refuses what comes meanwhile: so
        nothing is written before these are taken.

        Raises:
            KafkaError: a connection is broken. By then another transaction may be open where the last one is not
                over (see ``leftovers``), so nothing is asked any more.

        """
        if self.disturbed:
            raise KafkaConnectionError("a connection broke before the transaction")
        self._offsets = asked = _Offsets(offsets, membership)
        with suppress(*MOVED):  # then it is looked for again once the answer is wanted
            line = self._lines.to_coordinator(GROUP, membership.group_id)
            line.send(asked.request(self._who), time.monotonic() + REQUEST_MS / 1000)
            asked.line = line

    def hand_over(self, place: TopicPartition, builder: BatchBuilder) -> Delivery:
        """Take a batch, to be sent with the next :meth:`send_now` or :meth:`flush`."""
        ready = ReadyRecords(builder)
        sequence = self._sequences.get(place, 0)
        self._sequences[place] = sequence + builder.count
        ready.set_producer_state(self._who.producer_id, self._who.epoch, sequence, transactional=True)
        ready.close()
        delivery = Delivery(place, ready.buffer())
        self._waiting.append(delivery)
        self._undecided.append(delivery)
        return delivery

    def send_now(self) -> None:
        """Send what was handed over; what becomes of it is found later.

        Raises:
            KafkaError: a connection is broken, or a leader not to be found.

        """
        if self._waiting:
            self._take_offsets()
            waiting, self._waiting = self._waiting, []
            self._deliveries.send(waiting, time.monotonic() + FLUSH_SECONDS)

    def flush(self, timeout: float) -> None:
        """Wait until every batch is decided, for so many seconds.

        Raises:
            KafkaError: a connection is broken, or a leader not to be found.

        """
        self._take_offsets()
        deadline = time.monotonic() + timeout
        waiting, self._waiting = self._waiting, []
        self._deliveries.send(waiting, deadline)
        self._deliveries.settle(deadline)

    def send_offsets_to_transaction(
        self,
        offsets: Mapping[TopicPartition, Any],
        membership: Any,  # noqa: ANN401 (a client without types)
    ) -> None:
        """Make offsets a part of the transaction, under a membership of the group, unless they are by now.

        Raises:
            KafkaError: they were not taken, or nobody knows.

        """
        if self._offsets is None or self._offsets.offsets != offsets:
            self._take_offsets()
            self._offsets = _Offsets(offsets, membership)
        self._take_offsets()

    def _take_offsets(self) -> bool:
        """Wait until the coordinator has taken what was asked for; return False where nobody has to wait for it."""
        asked = self._offsets
        if asked is None or asked.taken:
            return False
        line, asked.line = asked.line, None
        self._coordinators.ask(
            GROUP,
            asked.membership.group_id,
            lambda: asked.request(self._who),
            messages.codes_of_offsets,
            "taking offsets",
            asked=line,
        )
        asked.taken = True
        return True

    def commit_transaction(self) -> None:
        """Commit.

        Raises:
            KafkaError: nobody knows the outcome, or something that was handed over is not known to be written.

        """
        if any(one.value is None for one in self._undecided):
            raise IllegalStateError("not all of the transaction is written")
        self._take_offsets()
        self._end(committed=True)

    def abort_transaction(self) -> None:
        """Abort.

        Raises:
            KafkaError: nobody knows whether it is yet.

        """
        with suppress(KafkaError):
            self._take_offsets()  # their answer would be taken for that to the next question
        self._end(committed=False)

    def _end(self, *, committed: bool) -> None:
        doing = "committing" if committed else "aborting"
        answer = self._coordinators.ask(
            TRANSACTION,
            self._who.name,
            lambda: messages.ending(self._who, committed=committed),
            messages.code_of,
            doing,
        )
        self._before = self._who.producer_id
        self._who = messages.Identity(self._who.name, answer.producer_id, answer.producer_epoch)
        self._undecided, self._offsets, self._open = [], None, False

    def close(self, timeout: float = 0.0) -> None:  # noqa: ARG002 (as the client's producers)
        """Close all connections at once; an open transaction is for its coordinator to time out, or for the next."""
        self._lines.close()


class _Offsets:
    """Offsets that the transaction is to have. ``line``: an answer is to come by it."""

    def __init__(self, offsets: Mapping[TopicPartition, Any], membership: Any) -> None:  # noqa: ANN401 (no types)
        self.offsets = offsets
        self.membership = membership
        self.line: Line | None = None
        self.taken = False

    def request(self, who: messages.Identity) -> Any:  # noqa: ANN401 (a message of the client)
        """Return what asks for them."""
        return messages.taking_offsets(who, self.offsets, self.membership)
