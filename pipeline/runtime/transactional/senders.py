"""How the records of a transaction get to the producer: here one by one, in ``batches`` many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from kafka.structs import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.contracts.headers import Header
    from pipeline.runtime.batches.writing import Lane
    from pipeline.runtime.clients.cluster import TopicFacts


class Sender(Protocol):
    """Takes the records of one transaction after the other."""

    def begin(self, producer: Any) -> None:  # noqa: ANN401 (a client without types)
        """Begin anew, with this producer; what was handed over before is forgotten."""
        ...

    def send(  # noqa: PLR0913, PLR0917 (a record has that many parts)
        self,
        facts: TopicFacts,
        partition: int,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[Header],
        body: bytes | None,
    ) -> None:
        """Take a record, in the order of its partition; ``body`` is key and value as bytes of a batch, where known.

        Raises:
            KafkaError: the client does not take it.

        """
        ...

    def lane(self, facts: TopicFacts, partition: int) -> Lane:
        """Return what takes records that are bytes already; for readers who keep the ``body`` of records.

        It is good for one transaction, and what takes it keeps its order with what is sent to the same partition.
        """
        ...

    def finish(self) -> None:
        """Hand over what is still held back.

        Raises:
            KafkaError: the client does not take it.

        """
        ...

    def futures(self) -> Iterable[Any]:
        """Return what tells whether each part of the transaction was delivered."""
        ...

    def firsts(self) -> dict[TopicPartition, Any]:
        """Return by partition the future of the first record."""
        ...


class RecordSender:
    """Gives every record to the client's own ``send``: the reference, and what any version of the client can do."""

    def __init__(self) -> None:
        self._producer: Any = None
        self._futures: list[Any] = []
        self._firsts: dict[TopicPartition, Any] = {}

    def begin(self, producer: Any) -> None:  # noqa: ANN401 (a client without types)
        """Begin anew; see :class:`Sender`."""
        self._producer = producer
        self._futures, self._firsts = [], {}

    def send(  # noqa: PLR0913, PLR0917 (a record has that many parts)
        self,
        facts: TopicFacts,
        partition: int,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[Header],
        body: bytes | None,  # noqa: ARG002 (of no use here)
    ) -> None:
        """Send a record; see :class:`Sender`. The client reads headers without a value, and refuses to write them."""
        future = self._producer.send(
            facts.name,
            value=value,
            key=key,
            headers=[(name, content or b"") for name, content in headers],
            partition=partition,
            timestamp_ms=timestamp_ms,
        )
        self._futures.append(future)
        self._firsts.setdefault(TopicPartition(facts.name, partition), future)

    def lane(self, facts: TopicFacts, partition: int) -> Lane:
        """Return nothing: whoever moves records one by one keeps no bodies."""
        raise NotImplementedError

    def finish(self) -> None:
        """Do nothing: the client has everything."""

    def futures(self) -> Iterable[Any]:
        """Return the future of every record."""
        return self._futures

    def firsts(self) -> dict[TopicPartition, Any]:
        """Return by partition the future of the first record."""
        return self._firsts
