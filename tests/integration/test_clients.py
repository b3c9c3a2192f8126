"""What the clients must be told, on a real Kafka: each test names the guard without which it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from pipeline.runtime.clients.consumers import group_consumer

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
