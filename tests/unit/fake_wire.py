"""A cluster for our own writer of transactions: it keeps what a coordinator and the leaders of partitions keep.

As strict as a broker: batches come with the epoch that is in force and the sequence numbers that are next, or they are
refused; one that it has already it knows again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaConnectionError
from kafka.protocol.producer import (
    EndTxnRequest,
    EndTxnResponse,
    InitProducerIdRequest,
    InitProducerIdResponse,
    ProduceRequest,
    ProduceResponse,
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
)
from kafka.record import MemoryRecords
from kafka.structs import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterator

OUT_OF_ORDER = 45
INVALID_EPOCH = 47
BREAK = -1000  # no answer: the connection is gone, and what was asked may be done or not
BREAK_AFTER = -1001

_Topic = ProduceResponse.TopicProduceResponse
_Partition = _Topic.PartitionProduceResponse
_OffsetsTopic = TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic
_OffsetsPartition = _OffsetsTopic.TxnOffsetCommitResponsePartition


def heard(request: Any) -> Any:
    """Return a request as a broker reads it."""
    version = request._max_version  # noqa: SLF001 (there is no public way)
    return request if version is None else type(request).decode(request.encode(version=version), version=version)


@dataclass
class FakeCluster:
    """What is committed (``logs``, ``offsets``), and what an open transaction holds.

    ``wrong`` says of each request in turn what goes wrong with it: an error's code, 0 for nothing, or a break.
    """

    wrong: Iterator[int]
    producer_id: int = 7
    epoch: int = 0
    logs: dict[TopicPartition, list[bytes]] = field(default_factory=dict)
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    _staged: list[tuple[TopicPartition, int, list[bytes]]] = field(default_factory=list)
    _staged_offsets: dict[TopicPartition, int] = field(default_factory=dict)

    def answer(self, request: Any) -> Any:
        """Do what is asked, or not.

        Raises:
            KafkaConnectionError: there is no answer.

        """
        self.asked.append(type(request).__name__.removesuffix("Request"))
        request = heard(request)
        code = next(self.wrong, 0)
        if code == BREAK:
            raise KafkaConnectionError("broken before")
        done = self._do(request, max(0, code))
        if code == BREAK_AFTER:
            raise KafkaConnectionError("broken after")
        return done

    def _do(self, request: Any, code: int) -> Any:
        if isinstance(request, InitProducerIdRequest):
            if not code:
                self._end(committed=False)
            return InitProducerIdResponse(error_code=code, producer_id=self.producer_id, producer_epoch=self.epoch)
        if isinstance(request, ProduceRequest):
            return self._produce(request, code)
        if code == 0 and (request.producer_id, request.producer_epoch) != (self.producer_id, self.epoch):
            code = INVALID_EPOCH
        if isinstance(request, TxnOffsetCommitRequest):
            found = {
                TopicPartition(of.name, one.partition_index): one for of in request.topics for one in of.partitions
            }
            if not code:
                self._staged_offsets |= {place: one.committed_offset for place, one in found.items()}
            topics = [_OffsetsTopic(name=at.topic, partitions=[_answer_of(at, code)]) for at in found]
            return TxnOffsetCommitResponse(topics=topics)
        assert isinstance(request, EndTxnRequest)
        if not code:
            self._end(committed=request.committed)
        return EndTxnResponse(error_code=code, producer_id=self.producer_id, producer_epoch=self.epoch)

    def _end(self, *, committed: bool) -> None:
        if committed:
            for place, _, values in self._staged:
                self.logs.setdefault(place, []).extend(values)
            self.offsets |= self._staged_offsets
        self._staged, self._staged_offsets = [], {}
        self.epoch += 1

    def _produce(self, request: Any, code: int) -> Any:
        topics = []
        for topic in request.topic_data:
            answers = []
            for one in topic.partition_data:
                place = TopicPartition(topic.name, one.index)
                refused, offset = (code, -1) if code else self._append(place, bytes(one.records))
                answers.append(_Partition(index=one.index, error_code=refused, base_offset=offset))
            topics.append(_Topic(name=topic.name, partition_responses=answers))
        return ProduceResponse(responses=topics)

    def _append(self, place: TopicPartition, written: bytes) -> tuple[int, int]:
        batch = MemoryRecords(written).next_batch()
        if (batch.producer_id, batch.producer_epoch) != (self.producer_id, self.epoch):
            return INVALID_EPOCH, -1
        values = [record.value for record in batch]
        begun = len(self.logs.get(place, []))
        offset = begun
        for other, sequence, found in self._staged:
            if other == place:
                if sequence == batch.base_sequence:
                    return 0, offset
                offset += len(found)
        if batch.base_sequence != offset - begun:
            return OUT_OF_ORDER, -1
        self._staged.append((place, batch.base_sequence, values))
        return 0, offset


def _answer_of(place: TopicPartition, code: int) -> Any:
    return _OffsetsPartition(partition_index=place.partition, error_code=code)


class FakeLine:
    """A line to a node of a cluster. Answers wait until they are received."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster
        self._answers: list[Any] = []
        self.broken = False

    def ask(self, request: Any, deadline: float) -> Any:
        """Send and receive."""
        self.send(request, deadline)
        return self.receive(deadline)

    def send(self, request: Any, _deadline: float) -> None:
        """Let the cluster answer."""
        if self.broken:
            raise KafkaConnectionError("was broken")
        try:
            self._answers.append(self._cluster.answer(request))
        except KafkaConnectionError as error:
            self._answers.append(error)

    def receive(self, _deadline: float) -> Any:
        """Return an answer, in the order of what was asked."""
        if self.broken:
            raise KafkaConnectionError("was broken")
        answer = self._answers.pop(0)
        if isinstance(answer, KafkaConnectionError):
            self.broken = True
            raise answer
        return answer


class FakeLines:
    """The lines to a cluster of two leaders, and coordinators of their own. ``level`` is of its transactions."""

    def __init__(self, cluster: FakeCluster, level: int = 2) -> None:
        self._cluster = cluster
        self._level = level
        self._lines: dict[str, FakeLine] = {}
        self.found: list[str] = []
        self.closed = False

    def features(self) -> dict[str, int]:
        """Return the level of transactions."""
        return {"transaction.version": self._level}

    def well(self) -> bool:
        """Tell whether no line is broken."""
        return not any(line.broken for line in self._lines.values())

    def to_leader(self, place: TopicPartition) -> FakeLine:
        """Return the line to one of two leaders."""
        return self._to(f"leader {place.partition % 2}")

    def to_coordinator(self, kind: Any, name: str) -> FakeLine:
        """Return the line to a coordinator."""
        return self._to(f"{kind.name} {name}")

    def find_leaders(self) -> None:
        """Note that somebody looks for them."""
        self.found.append("leaders")

    def forget_coordinator(self, kind: Any, _name: str) -> None:
        """Note that one is looked for."""
        self.found.append(kind.name)

    def close(self) -> None:
        """Close all."""
        self.closed = True

    def _to(self, name: str) -> FakeLine:
        return self._lines.setdefault(name, FakeLine(self._cluster))


MEMBERSHIP = SimpleNamespace(group_id="group", generation_id=3, member_id="m", group_instance_id=None)
