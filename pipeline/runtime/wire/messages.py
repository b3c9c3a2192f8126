"""What is said in a transaction of the second protocol (KIP-890), in the client's own messages.

There is no request that adds partitions: those that are written and the one of the offsets are added by that. The end
gives the producer a new epoch, so that nothing that was said before it can count after it.

What stands within a message is a tuple of its members in the order of the protocol, as the client takes it: its own
objects, of which a transaction has a dozen, took nearly as long to make as all of them take to be written.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kafka.protocol.metadata import ApiVersionsRequest
from kafka.protocol.producer import EndTxnRequest, InitProducerIdRequest, ProduceRequest, TxnOffsetCommitRequest
from kafka.structs import TopicPartition
from kafka.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# The versions that mean the second protocol; behind them, topics go by ids.
_PRODUCE: Final = {"min_version": 12, "max_version": 12}
_OFFSETS: Final = {"min_version": 5, "max_version": 5}
_END: Final = {"min_version": 5, "max_version": 5}
_INITIALISE: Final = {"max_version": 4}

_ALL_REPLICAS: Final = -1
_NEW: Final = -1


class Identity(NamedTuple):
    """Who writes: a transactional id, and what the coordinator has given it."""

    name: str
    producer_id: int
    epoch: int


class Written(NamedTuple):
    """What a broker answers of a batch: an error's code, or 0 and the offset of its first record."""

    place: TopicPartition
    code: int
    offset: int
    detail: str


def greeting() -> Any:  # noqa: ANN401 (messages of the client, here and below)
    """Return a request that every broker answers, by what it can do."""
    return ApiVersionsRequest(client_software_name="kafka-python", client_software_version=__version__)


def initialising(name: str, timeout_ms: int) -> Any:  # noqa: ANN401
    """Return the request for a producer id; what an earlier holder left open is ended by it."""
    return InitProducerIdRequest(
        transactional_id=name, transaction_timeout_ms=timeout_ms, producer_id=_NEW, producer_epoch=_NEW, **_INITIALISE
    )


def producing(name: str | None, timeout_ms: int, batches: Iterable[tuple[TopicPartition, bytearray]]) -> Any:  # noqa: ANN401
    """Return the request that writes whole batches, at most one for each partition."""
    topics = [
        (topic, [(place.partition, batch) for place, batch in some])
        for topic, some in groupby(sorted(batches, key=_by_place), lambda one: one[0].topic)
    ]
    return ProduceRequest(
        transactional_id=name, acks=_ALL_REPLICAS, timeout_ms=timeout_ms, topic_data=topics, **_PRODUCE
    )


def _by_place(one: tuple[TopicPartition, bytearray]) -> TopicPartition:
    return one[0]


def written(answer: Any) -> Iterator[Written]:  # noqa: ANN401
    """Yield what became of each batch."""
    for topic in answer.responses:
        for one in topic.partition_responses:
            place = TopicPartition(topic.name, one.index)
            yield Written(place, one.error_code, one.base_offset, one.error_message or "")


def taking_offsets(
    who: Identity,
    offsets: Mapping[TopicPartition, Any],
    membership: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Return the request that makes offsets of a group a part of the transaction."""
    topics = [
        (topic, [(place.partition, one.offset, one.leader_epoch, one.metadata) for place, one in some])
        for topic, some in groupby(sorted(offsets.items(), key=lambda one: one[0]), lambda one: one[0].topic)
    ]
    return TxnOffsetCommitRequest(
        transactional_id=who.name,
        group_id=membership.group_id,
        producer_id=who.producer_id,
        producer_epoch=who.epoch,
        generation_id=membership.generation_id,
        member_id=membership.member_id,
        group_instance_id=membership.group_instance_id,
        topics=topics,
        **_OFFSETS,
    )


def codes_of_offsets(answer: Any) -> Sequence[int]:  # noqa: ANN401
    """Return the error codes of all partitions, 0 where there is none."""
    return [one.error_code for topic in answer.topics for one in topic.partitions]


def ending(who: Identity, *, committed: bool) -> Any:  # noqa: ANN401
    """Return the request that ends the transaction."""
    return EndTxnRequest(
        transactional_id=who.name, producer_id=who.producer_id, producer_epoch=who.epoch, committed=committed, **_END
    )


def code_of(answer: Any) -> Sequence[int]:  # noqa: ANN401
    """Return the error code of an answer that has one."""
    return [answer.error_code]
