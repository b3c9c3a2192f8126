"""What the clients must be told, on a real Kafka: each test names the guard without which it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from pipeline.runtime.clients.consumers import group_consumer
from pipeline.runtime.clients.producers import transactional_producer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration


def test_a_member_knows_the_partitions_before_it_joins(deploy: Callable[..., Deployment]) -> None:
    """Guard: the wait for metadata in ``group_consumer``; without it a leader may assign nothing, for ever."""
    pipeline = deploy(partitions=3)
    consumer = group_consumer(pipeline.settings.kafka, f"group-{pipeline.tag}", pipeline.name(topics.TRANSACTIONS))
    try:
        known = consumer._client.cluster.partitions_for_topic(pipeline.name(topics.TRANSACTIONS))  # noqa: SLF001
        assert known == {0, 1, 2}
    finally:
        consumer.close(autocommit=False)


def test_a_connection_being_made_does_not_make_the_sender_spin(deploy: Callable[..., Deployment]) -> None:
    """Guard: ``PatientNetClient.connection_delay``; without it the answer is 0 and takes a whole core."""
    pipeline = deploy()
    producer = transactional_producer(pipeline.settings.kafka, f"tid-{pipeline.tag}", 0)
    try:

        class Connecting:
            connected = False

        producer._sender._client._manager._conns["nobody"] = Connecting()  # noqa: SLF001
        assert producer._sender._client.connection_delay("nobody") >= 50  # noqa: SLF001
        del producer._sender._client._manager._conns["nobody"]  # noqa: SLF001
    finally:
        producer.close(timeout=5)
