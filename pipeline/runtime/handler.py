"""The seam between the exactly-once loop and what a service does with a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.contracts.records import Outgoing, Record


class Handler(Protocol):
    """What a service does. Called from one thread; effects outside Kafka belong into :meth:`committed`.

    Records come in the order of their partition. After :meth:`aborted` the same records come again.
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
