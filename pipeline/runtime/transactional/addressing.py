"""Where each record of a transaction goes, and what it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts import headers, topics
from pipeline.contracts.hops import entered, kept_key
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.runtime.batches.partitioning import partition_of
from pipeline.runtime.deadletter import letter_of, size_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.contracts.headers import Header
    from pipeline.contracts.records import Outgoing, Record
    from pipeline.contracts.topics import Topic
    from pipeline.runtime.batches.writing import Lane
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.transactional.senders import Sender

# Brokers refuse a record whose time lies over an hour ahead; the rest is for clocks that differ.
LATEST_AHEAD_MS: Final = 55 * 60 * 1000


class Addressing:
    """Gives records to ``sender``, for the topics of ``facts``. ``hops`` are the names of those between stages.

    ``latest_ms`` is the latest time that brokers take in the transaction at hand, in milliseconds since 1970.
    """

    def __init__(self, facts: dict[Topic, TopicFacts], sender: Sender) -> None:
        self._facts = facts
        self._sender = sender
        self._input = facts[topics.TRANSACTIONS].name
        self.hops = {found.name for topic, found in facts.items() if topic.gathers}
        self.latest_ms = 0

    def lane(self, topic: Topic, partition: int) -> Lane:
        """Return the lane from a partition that was read to a topic; it is good for the transaction that is open.

        What takes it has the bytes of a record as it was read, with no header but its origin, is no larger than
        the lane is wide, and its time is none that brokers refuse: 0 to ``latest_ms``.
        """
        facts = self._facts[topic]
        return self._sender.lane(facts, partition % facts.partitions)

    def partition_in(self, topic: Topic, key: bytes) -> int:
        """Return the partition of a topic that a key belongs to."""
        return partition_of(key, self._facts[topic].partitions)

    def write(self, record: Record, outgoing: Sequence[Outgoing]) -> None:
        """Write what is outgoing because of a record: all of it, or nothing.

        Raises:
            InvalidMessageError: some of it is larger than ``max.message.bytes`` of its topic; nothing was written.
            KafkaError: the client does not take it.

        """
        if record.topic in self.hops:
            record = entered(record, self._input)
        for one in outgoing:
            self._check(record, one)
        for one in outgoing:
            self._send(record, one)

    def _check(self, record: Record, outgoing: Outgoing) -> None:
        facts = self._facts[outgoing.topic]
        value = record.value if outgoing.value is None else outgoing.value
        size = size_of(record.key, value, (*record.headers, *outgoing.headers)) + len(outgoing.key or b"")
        if size > facts.max_message_bytes:
            raise InvalidMessageError(
                Reason.TOO_LARGE, f"{size} bytes to write, {facts.name} takes {facts.max_message_bytes}"
            )

    def _send(self, record: Record, outgoing: Outgoing) -> None:
        """Write one record, with the key, time, foreign headers and origin of the one it comes from."""
        all_headers = list(headers.foreign(record.headers)) if record.headers else []
        if all_headers and outgoing.headers:
            anew = {name for name, _ in outgoing.headers}
            all_headers = [header for header in all_headers if header[0] not in anew]
        if record.origin is not None:
            all_headers.append((headers.ORIGIN.name, record.origin.encode()))
        all_headers += outgoing.headers
        if outgoing.key is not None:
            all_headers += kept_key(record)
            value = record.value if outgoing.value is None else outgoing.value
            facts, number = self._facts[outgoing.topic], self.partition_in(outgoing.topic, outgoing.key)
            self._write(facts, number, record.timestamp_ms, outgoing.key, value, all_headers)
            return
        if outgoing.value is None:
            value, body = record.value, record.body
        else:
            value, body = outgoing.value, None
        self._write_on(outgoing.topic, record, record.key, value, all_headers, body)

    def send_letter(self, topic: Topic, record: Record, error: InvalidMessageError, service: str) -> None:
        """Write a record to its dead letters; one of a hop as it entered."""
        if record.topic in self.hops:
            record = entered(record, self._input)
        letter = letter_of(record, error, service, self._facts[topic].max_message_bytes)
        self._write_on(topic, record, letter.key, letter.value, list(letter.headers))

    def _write_on(  # noqa: PLR0913, PLR0917 (a record has that many parts)
        self,
        topic: Topic,
        record: Record,
        key: bytes | None,
        value: bytes | None,
        all_headers: list[Header],
        body: bytes | None = None,
    ) -> None:
        """Write to the same partition as it entered by, which keeps the order of every account, whatever the key is."""
        facts = self._facts[topic]
        self._write(facts, record.partition % facts.partitions, record.timestamp_ms, key, value, all_headers, body)

    def _write(  # noqa: PLR0913, PLR0917 (as above)
        self,
        facts: TopicFacts,
        partition: int,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        all_headers: list[Header],
        body: bytes | None = None,
    ) -> None:
        if not 0 <= timestamp_ms <= self.latest_ms:
            all_headers.append((headers.TIMESTAMP.name, b"%d" % timestamp_ms))
            timestamp_ms = self.latest_ms - LATEST_AHEAD_MS
        self._sender.send(facts, partition, timestamp_ms, key, value, all_headers, body)
