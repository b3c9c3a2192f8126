"""Consumers: a member of a group for services, and a reader on its own for audits and views."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from kafka import KafkaConsumer
from kafka.errors import KafkaTimeoutError, LeaderNotAvailableError

from pipeline.runtime.clients import abandoned_joins, broken_batches, header_names, parked_records
from pipeline.runtime.clients.connection import connect
from pipeline.runtime.clients.deadlines import COMMITTED_MS, HEARTBEAT_MS, SESSION_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kafka.structs import TopicPartition

    from pipeline.runtime.cluster_settings import KafkaSettings

FETCH_WAIT_MS: Final = 100
# What a broker may send at a time: with what is being handled, all that a backlog of any length takes in memory.
FETCH_BYTES: Final = 8 * 1024 * 1024
METADATA_SECONDS: Final = 10.0
METADATA_PAUSE_SECONDS: Final = 0.02
# New partitions are seen, and leaders that moved are found, within this time: a consumer that asks a dead leader where
# a partition begins does not ask for a new one by itself.
METADATA_AGE_MS: Final = 5_000

_COMMITTED_ONLY: Final[dict[str, Any]] = {
    "isolation_level": "read_committed",
    "enable_auto_commit": False,
    "fetch_max_wait_ms": FETCH_WAIT_MS,
    "fetch_max_bytes": FETCH_BYTES,
    "metadata_max_age_ms": METADATA_AGE_MS,
    "metrics_enabled": False,  # nobody asks for the client's own, and they are kept by the batch
}


abandoned_joins.install()
broken_batches.install()
header_names.install()
parked_records.install()


def group_consumer(settings: KafkaSettings, group: str, *topics: str) -> KafkaConsumer:
    """Return a consumer subscribed to topics, which commits nothing and decides nothing about where to start.

    It knows their partitions when it is returned. A member that joins before it does and is made the leader
    assigns nothing to anybody, and the client does not always notice when the partitions come to be known: on a busy
    machine one start in ten never read a record.

    Raises:
        KafkaError: no broker answered, or none knows one of the topics.

    """
    consumer = connect(
        KafkaConsumer,
        settings,
        client_id=group,
        **_COMMITTED_ONLY,
        group_id=group,
        auto_offset_reset="none",
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
    )
    consumer.subscribe(list(topics))
    deadline = time.monotonic() + METADATA_SECONDS
    while unknown := [topic for topic in topics if not consumer.partitions_for_topic(topic)]:
        if time.monotonic() > deadline:
            consumer.close(autocommit=False)
            raise KafkaTimeoutError(f"no partitions of {', '.join(unknown)} known within {METADATA_SECONDS:g} s")
        time.sleep(METADATA_PAUSE_SECONDS)
    return consumer


def ends_known(
    ask: Callable[..., dict[TopicPartition, int]], places: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """Return what ``ask``, a consumer's ``beginning_offsets`` or ``end_offsets``, says of partitions.

    Of several topics the client may know some and not others yet, and then answers with a KeyError.

    Raises:
        KafkaError: no answer in time.

    """
    wanted = sorted(places)
    deadline = time.monotonic() + METADATA_SECONDS
    while True:
        try:
            return ask(wanted, timeout_ms=COMMITTED_MS)
        except KeyError as error:
            if time.monotonic() > deadline:
                raise LeaderNotAvailableError(f"nobody leads {error} yet") from error
            time.sleep(METADATA_PAUSE_SECONDS)


def reader(settings: KafkaSettings, client_id: str) -> KafkaConsumer:
    """Return a consumer outside any group, for partitions that the caller assigns.

    Raises:
        KafkaError: no broker answered.

    """
    return connect(KafkaConsumer, settings, client_id=client_id, **_COMMITTED_ONLY, auto_offset_reset="earliest")
