"""The generator on a real Kafka."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from generator.__main__ import generate
from generator.settings import GeneratorSettings
from pipeline.contracts import topics
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.vitals import Vitals

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration


def generated(pipeline: Deployment, **variables: str) -> list[Any]:
    """Run the generator to its end and return what it sent."""
    generate(GeneratorSettings.from_env(pipeline.environ | variables), Stop(), Vitals("generator"))
    return pipeline.records(topics.TRANSACTIONS)


def test_a_count_is_sent_to_the_last(deploy: Callable[..., Deployment]) -> None:
    """So many as were asked for arrive, spread over the partitions, each keyed by its source."""
    records = generated(deploy(partitions=3), TRANSACTIONS_COUNT="3000", TRANSACTIONS_PER_SECOND="20000")
    assert len(records) == 3000
    assert {record.partition for record in records} == {0, 1, 2}
    assert all(record.key.decode() == json.loads(record.value)["source"] for record in records)


def test_the_same_seed_sends_the_same_transactions(deploy: Callable[..., Deployment]) -> None:
    """Two runs with one seed differ in nothing but the time."""

    def bodies() -> list[Any]:
        records = generated(
            deploy(partitions=1), TRANSACTIONS_COUNT="50", GENERATOR_SEED="42", TRANSACTIONS_PER_SECOND="1000"
        )
        return [{k: v for k, v in json.loads(record.value).items() if k != "timestamp"} for record in records]

    assert bodies() == bodies()


def test_the_detector_reads_every_payment(deploy: Callable[..., Deployment]) -> None:
    """Payments in their dialect go through: about a third is paid in bitcoin and taken for fraud."""
    pipeline = deploy(TRANSACTION_FORMAT="payment")
    generated(pipeline, TRANSACTIONS_COUNT="900", TRANSACTIONS_PER_SECOND="20000", GENERATOR_SEED="1")
    with pipeline.running("detector"):
        report = pipeline.wait_until_judged(900)
    assert report.clean
    assert report.outcomes["dead-letter"] == 0
    assert 250 < report.outcomes["fraud"] < 350
