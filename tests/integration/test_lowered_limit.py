"""A topic that takes less than it did when the services began, on a real Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from tests.support.parts import GOOD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

COUNT = 100


def test_batches_get_smaller_where_a_topic_takes_less(deploy: Callable[..., Deployment]) -> None:
    """Guard: the halving of transactions that fail; a batch that the client splits is never decided, nor committed."""
    pipeline = deploy(partitions=1)
    pipeline.put(GOOD)
    with pipeline.running("detector"):
        pipeline.wait_until_judged(1)
        pipeline.set_config(topics.LEGIT, {"max.message.bytes": str(80 * len(GOOD))})
        with pipeline.producer(linger_ms=60_000, batch_size=10**6) as producer:
            for _ in range(COUNT):
                producer.send(pipeline.name(topics.TRANSACTIONS), GOOD, partition=0)
        report = pipeline.wait_until_judged(1 + COUNT)
    assert report.clean
    assert [record.value for record in pipeline.records(topics.LEGIT)] == [GOOD] * (1 + COUNT)
