"""Committing offsets for a group from outside of it: only while nobody is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka.structs import ConsumerGroupMetadata, OffsetAndMetadata, TopicPartition

if TYPE_CHECKING:
    from pipeline.contracts.coordinates import Coordinates


def add_offset(producer: Any, group: str, topic: str, handled: Coordinates) -> None:  # noqa: ANN401 (a client without types)
    """Add to the open transaction that ``group`` has handled one more record.

    Brokers do not fence this: make sure before that the group has no members.

    Raises:
        KafkaError: the offset was refused.

    """
    place = TopicPartition(topic, handled.partition)
    producer.send_offsets_to_transaction({place: OffsetAndMetadata(handled.offset + 1)}, ConsumerGroupMetadata(group))
