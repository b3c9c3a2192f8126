"""Writes transactions of whole batches: one at a time, on the thread that calls, with no thread of its own.

A transaction is what is written, then offsets, then its end. Nothing here waits without an end, and nothing is mended:
after any error the outcome is unknown until another writer of the same transactional id is made.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from kafka.errors import (
    CoordinatorNotAvailableError,
    IllegalStateError,
    KafkaTimeoutError,
    NotCoordinatorError,
    RetriableError,
    UnsupportedVersionError,
    for_code,
)

from pipeline.runtime.batches.producing import ReadyRecords
from pipeline.runtime.clients.deadlines import COORDINATOR_MS, FLUSH_SECONDS, REQUEST_MS, TRANSACTION_MS
from pipeline.runtime.wire import messages
from pipeline.runtime.wire.deliveries import Deliveries
from pipeline.runtime.wire.delivery import Delivery
from pipeline.runtime.wire.lines import GROUP, TRANSACTION, Lines
from pipeline.runtime.wire.pauses import Pauses

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from kafka.structs import TopicPartition

    from pipeline.runtime.batches.writing import BatchBuilder
    from pipeline.runtime.clients.connection import KafkaError
    from pipeline.runtime.cluster_settings import KafkaSettings

FEATURE: Final = "transaction.version"
SECOND_PROTOCOL: Final = 2
_MOVED: Final = (NotCoordinatorError, CoordinatorNotAvailableError)


class TransactionWriter:
    """Initialised when it is made: what an earlier holder of its transactional id left open is decided by then."""

    def __init__(self, settings: KafkaSettings, transactional_id: str) -> None:
        """Connect, and initialise the id.

        Raises:
            UnsupportedVersionError: the cluster does not speak the second protocol of transactions.
            KafkaError: no broker answered, or the id could not be initialised in time.

        """
        self._lines = Lines(settings, transactional_id)
        self._deliveries = Deliveries(self._lines, transactional_id)
        self._waiting: list[Delivery] = []
        self._undecided: list[Delivery] = []
        self._sequences: dict[TopicPartition, int] = {}
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
        answer = self._coordinated(TRANSACTION, name, lambda: request, messages.code_of, "initialising")
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
            waiting, self._waiting = self._waiting, []
            self._deliveries.send(waiting, time.monotonic() + FLUSH_SECONDS)

    def flush(self, timeout: float) -> None:
        """Wait until every batch is decided, for so many seconds.

        Raises:
            KafkaError: a connection is broken, or a leader not to be found.

        """
        deadline = time.monotonic() + timeout
        waiting, self._waiting = self._waiting, []
        self._deliveries.send(waiting, deadline)
        self._deliveries.settle(deadline)

    def send_offsets_to_transaction(
        self,
        offsets: Mapping[TopicPartition, Any],
        membership: Any,  # noqa: ANN401 (a client without types)
    ) -> None:
        """Make offsets a part of the transaction, under a membership of the group.

        Raises:
            KafkaError: they were not taken, or nobody knows.

        """
        self._coordinated(
            GROUP,
            membership.group_id,
            lambda: messages.taking_offsets(self._who, offsets, membership),
            messages.codes_of_offsets,
            "taking offsets",
        )

    def commit_transaction(self) -> None:
        """Commit.

        Raises:
            KafkaError: nobody knows the outcome, or something that was handed over is not known to be written.

        """
        if any(one.value is None for one in self._undecided):
            raise IllegalStateError("not all of the transaction is written")
        self._end(committed=True)

    def abort_transaction(self) -> None:
        """Abort.

        Raises:
            KafkaError: nobody knows whether it is yet.

        """
        self._end(committed=False)

    def _end(self, *, committed: bool) -> None:
        doing = "committing" if committed else "aborting"
        answer = self._coordinated(
            TRANSACTION,
            self._who.name,
            lambda: messages.ending(self._who, committed=committed),
            messages.code_of,
            doing,
        )
        self._before = self._who.producer_id
        self._who = messages.Identity(self._who.name, answer.producer_id, answer.producer_epoch)
        self._undecided, self._open = [], False

    def close(self, timeout: float = 0.0) -> None:  # noqa: ARG002 (as the client's producers)
        """Close all connections at once; an open transaction is for its coordinator to time out, or for the next."""
        self._lines.close()

    def _coordinated(
        self,
        kind: Any,  # noqa: ANN401 (a client without types)
        name: str,
        request: Callable[[], Any],
        codes: Callable[[Any], Sequence[int]],
        doing: str,
    ) -> Any:  # noqa: ANN401 (as above)
        """Ask a coordinator until it does it; one that has moved is looked for."""
        deadline = time.monotonic() + COORDINATOR_MS / 1000
        pauses = Pauses(deadline)
        while True:
            try:
                line = self._lines.to_coordinator(kind, name)
                answer = line.ask(request(), min(deadline, time.monotonic() + REQUEST_MS / 1000))
                found = {code for code in codes(answer) if code}
                if not found:
                    return answer
                error: KafkaError = _worst(found, doing)
            except _MOVED as moved:
                error = moved
            if not isinstance(error, RetriableError):
                raise error
            if isinstance(error, _MOVED):
                self._lines.forget_coordinator(kind, name)
            if not pauses.wait():
                raise KafkaTimeoutError(f"the coordinator did not do it in {COORDINATOR_MS} ms, {doing}: {error!r}")


def _worst(codes: Collection[int], doing: str) -> KafkaError:
    """Return the error that decides: one that is not passing, where there is one."""
    errors = [for_code(code)(doing) for code in sorted(codes)]
    return next((one for one in errors if not isinstance(one, RetriableError)), errors[0])
