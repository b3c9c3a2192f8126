"""The seam between the exactly-once loop and what a service does with a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline.contracts.records import Outgoing, Record


Place = tuple[str, int]  # a partition: the name of its topic, and its number there


class Handler(Protocol):
    """What a service does. Called from one thread; effects outside Kafka belong into :meth:`committed`.

    Records come in the order of their partition, those of one topic or of several. After :meth:`aborted` the same
    records come again.
    """

    def handle(self, record: Record) -> Sequence[Outgoing]:
        """Return what is to be written because of the record; memory of it is staged until the outcome is known.

        Raises:
            InvalidMessageError: the record can never be handled; it becomes a dead letter and the next one comes.

        """
        ...

    def committed(self) -> None:
        """Take what was staged for good: all records since the last outcome are handled, once and for ever."""
        ...

    def aborted(self) -> None:
        """Forget what was staged."""
        ...

    def assigned(self, kept: Collection[Place]) -> None:
        """Forget all but what was taken for good of the partitions ``kept``; nothing is staged.

        Told whenever reading begins at committed offsets. Those partitions stand where this process left them; of any
        other that it reads, another process may have handled records meanwhile: what is remembered of those comes
        anew, by :meth:`observe`, before the next is handled.
        """
        ...

    def reach_ms(self) -> int:
        """Return how far before the next record anything is still looked at, by the records' time; 0: nothing is."""
        ...

    def observe(self, record: Record) -> None:
        """Remember a record that was handled before, or refused; staged like all memory."""
        ...

    def memory(self) -> int:
        """Return another number as soon as what is remembered is not what has to be: then it comes anew as well."""
        ...


class Forgetful:
    """The part of a handler that remembers nothing beyond a batch."""

    def assigned(self, kept: Collection[Place]) -> None:
        """Do nothing; see :class:`Handler`, as for the rest."""

    def reach_ms(self) -> int:
        """Look at nothing that was."""
        return 0

    def observe(self, record: Record) -> None:
        """Do nothing."""

    def memory(self) -> int:
        """Never change."""
        return 0


class Marks(Protocol):
    """What a service commits with the offsets of a partition, and finds there when it takes the partition over.

    Both are called between transactions, by the thread that handles records.
    """

    def next(self) -> str:
        """Return the mark of the batch that comes now: what it says is so for all of its records."""
        ...

    def taken_over(self, found: Mapping[Place, str]) -> None:
        """Get ready to go on behind what was committed, with these marks.

        Raises:
            KafkaError: that is not possible yet; it is tried again, and nothing is handled before.

        """
        ...


class NoMarks:
    """Of a service whose answer depends on the record alone."""

    def next(self) -> str:
        """Return nothing."""
        return ""

    def taken_over(self, found: Mapping[Place, str]) -> None:
        """Be ready."""
