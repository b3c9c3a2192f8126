"""What the clients must be told, on a real Kafka: each test names the guard without which it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from pipeline.runtime.clients.consumers import group_consumer
from pipeline.runtime.clients.reading import Lookup

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


def test_a_stretch_can_be_read_after_another_of_its_partition(deploy: Callable[..., Deployment]) -> None:
    """Guard: ``resume`` in ``reading``; without it a partition stays as paused as the stretch before has left it."""
    pipeline = deploy()
    pipeline.put(*[b"{}"] * 4)
    with Lookup(pipeline.settings.kafka, pipeline.name(topics.TRANSACTIONS)) as lookup:
        assert [record.offset for record in lookup.read(0, 0, 2, 5.0)] == [0, 1]
        assert [record.offset for record in lookup.read(0, 2, 4, 5.0)] == [2, 3]
