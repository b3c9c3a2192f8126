"""Publishes transactions together with their labels, which go to a topic of their own, always after them."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.runtime.clock import now_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.scenarios.drafts import Labelled
    from generator.transactions import Generated
    from pipeline.runtime.publisher import Publisher

logger = logging.getLogger(__name__)

# A label waits for its transaction, which may be held back in a batch. At high rates some transactions always are; so
# now and then all of them are handed over, however full their batches.
LONGEST_HELD_BACK_SECONDS: Final = 0.5
LEAST_FOR_LABELS_SECONDS: Final = 1.0


class _Group(NamedTuple):
    """Labels of transactions that the client has: those behind the first ``start`` that it got, up to ``end``."""

    start: int
    end: int
    labels: list[Generated]


class LabelledPublisher:
    """Two publishers as one, each with a producer of its own.

    A label is handed over once brokers have acknowledged its transaction: whenever the process is killed, there is no
    label of a transaction that never came. The other way round there may be: a fraud that was sent just before a crash
    has no label, and where transactions failed, those that were sent about then have none. Who counts what was missed
    loses nothing by that; who trains on labels would by the first.
    """

    def __init__(self, transactions: Publisher, labels: Publisher) -> None:
        self._transactions = transactions
        self._labels = labels
        self._held_back: list[Generated] = []  # the label of a transaction that may be held back itself
        self._held_back_since = 0.0
        self._under_way: deque[_Group] = deque()
        self._waiting = self._handed_over = 0

    @property
    def room(self) -> int:
        """Return how many more may be sent now, should each have a label."""
        return min(self._transactions.room, self._labels.room - self._waiting)

    @property
    def in_flight(self) -> int:
        """Return how many transactions are not yet decided."""
        return self._transactions.in_flight

    def send(self, records: Sequence[Labelled], timestamp_ms: int) -> None:
        """Send transactions now and their labels later; see :class:`~pipeline.runtime.publisher.Publisher`."""
        labels = [label for _, label in records if label is not None]
        if labels and not self._held_back:
            self._held_back_since = time.monotonic()
        self._held_back += labels
        self._waiting += len(labels)
        self._transactions.send([transaction for transaction, _ in records], timestamp_ms)
        self._write_labels()

    def push(self) -> bool:
        """Hand over what was held back and may go now; return whether some is held back still."""
        late = self._held_back and time.monotonic() - self._held_back_since >= LONGEST_HELD_BACK_SECONDS
        transactions_left = self._transactions.push(everything=bool(late))
        self._write_labels()
        return self._labels.push() or transactions_left

    def wait_for_room(self) -> bool:
        """Wait a little for the oldest records of either to be decided; return whether there is room in both now."""
        if self._labels.wait_for_room():
            self._transactions.wait_for_room()
        self.push()
        return self.room > 0

    def finish(self, seconds: float) -> None:
        """Wait for the transactions in flight, then for their labels, at most so long altogether, and close.

        Raises:
            PublishingError: some failed, or are undecided still.

        """
        deadline = time.monotonic() + seconds
        try:
            self._transactions.finish(seconds)
        finally:
            self._write_labels()
            if self._waiting:
                logger.warning("%d labels were left out, of transactions that may not have been sent", self._waiting)
            self._labels.finish(max(LEAST_FOR_LABELS_SECONDS, deadline - time.monotonic()))

    def _write_labels(self) -> None:
        """Hand over the labels of transactions that brokers have acknowledged."""
        transactions = self._transactions
        if self._held_back and not transactions.held_back:
            self._under_way.append(_Group(self._handed_over, transactions.handed_over, self._held_back))
            self._handed_over, self._held_back = transactions.handed_over, []
        decided = transactions.decided
        due: list[Generated] = []
        while self._under_way and self._under_way[0].end <= decided:
            group = self._under_way.popleft()
            self._waiting -= len(group.labels)
            if group.start < transactions.failed_until:
                logger.warning(
                    "%d labels were left out, of transactions that may not have been sent", len(group.labels)
                )
            else:
                due += group.labels
        if due:
            self._labels.send(due, now_ms())
