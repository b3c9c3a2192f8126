"""How a publisher's records get to the producer: here one by one, in ``batches`` many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.contracts.headers import Header

Keyed = tuple[bytes, bytes]


class Outlet(Protocol):
    """Takes records for one topic, in an order that each key keeps, and says what will decide about them."""

    topic: str
    producer: Any

    def take(self, records: Sequence[Keyed], timestamp_ms: int, headers: Sequence[Header] = ()) -> None:
        """Take records of one time, keys and values, all with these headers; some may be held back.

        Raises:
            KafkaError: the client does not take them.

        """
        ...

    def push(self, *, everything: bool) -> bool:
        """Hand over what is held back and may go now, or everything; return whether some is held back still.

        Raises:
            KafkaError: the client does not take it.

        """
        ...

    def handed_over(self) -> list[tuple[Any, int]]:
        """Return the futures that are new since last asked, each with how many records it decides."""
        ...


class RecordOutlet:
    """Gives every record to the client's own ``send``: the reference, and what any version of the client can do."""

    def __init__(self, producer: Any, topic: str) -> None:  # noqa: ANN401 (a client without types)
        self.producer = producer
        self.topic = topic
        self._new: list[tuple[Any, int]] = []

    def take(self, records: Sequence[Keyed], timestamp_ms: int, headers: Sequence[Header] = ()) -> None:
        """Send records; see :class:`Outlet`."""
        send, given = self.producer.send, list(headers)
        for key, value in records:
            future = send(self.topic, value=value, key=key, timestamp_ms=timestamp_ms, headers=given)
            self._new.append((future, 1))

    def push(self, *, everything: bool) -> bool:  # noqa: ARG002 (the client has it all)
        """Hold nothing back."""
        return False

    def handed_over(self) -> list[tuple[Any, int]]:
        """Return the future of every record that is new."""
        new, self._new = self._new, []
        return new
