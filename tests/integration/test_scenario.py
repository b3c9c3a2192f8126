"""The realistic scenario on a real Kafka, by the generator's own process: transactions, labels, and a sudden end."""

from __future__ import annotations

import json
import signal
import time
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from generator.scenarios.kinds import Kind
from generator.settings import GeneratorSettings
from generator.sources import realistic_source
from pipeline.contracts import topics
from pipeline.contracts.moments import moment_of
from tests.support.conditions import holding, read
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

COUNT = 12_000
START = "2026-01-31T08:00:00Z"
SCENARIO = {
    "GENERATOR_SCENARIO": "realistic",
    "GENERATOR_SEED": "42",
    "GENERATOR_START": START,
    "GENERATOR_TIME_SCALE": "86400",  # a day a second
    "TRANSACTIONS_PER_SECOND": "6000",
}


def labels_of(pipeline: Deployment) -> list[dict[str, Any]]:
    """Return the labels that are there, whose key is the transaction's id."""
    labels = [(record.key.decode(), json.loads(record.value)) for record in pipeline.records(topics.LABELS)]
    assert all(key == label["transaction_id"] for key, label in labels)
    return [label for _, label in labels]


def test_two_days_in_two_seconds(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """All transactions and labels that the seed makes are there; bodies tell simulated time, records our clock.

    Each kind of fraud can be found there, by brute force over the log as a rule sees it.
    """
    pipeline = deploy(partitions=3)
    variables = SCENARIO | {"TRANSACTIONS_COUNT": str(COUNT), "GENERATOR_FRAUD_CASES": "60"}
    before = time.time() - 1
    assert pipeline.spawn("generator", tmp_path / "log", **variables).wait(120) == 0, (tmp_path / "log").read_text()
    records, labels = pipeline.records(topics.TRANSACTIONS), labels_of(pipeline)

    settings = GeneratorSettings.from_env(pipeline.environ | variables)
    expected = realistic_source(settings, Random(42), moment_of(0)).make(moment_of(0), COUNT)  # noqa: S311 (no secret)
    assert sorted(record.value for record in records) == sorted(transaction.value for transaction, _ in expected)
    assert sorted(label["label_id"] for label in labels) == sorted(
        json.loads(label.value)["label_id"] for _, label in expected if label is not None
    )
    assert all(before * 1000 < record.timestamp < (time.time() + 1) * 1000 for record in records)
    newest = max(datetime.fromisoformat(json.loads(record.value)["timestamp"]) for record in records)
    assert timedelta(days=1.8) < newest - datetime.fromisoformat(START) < timedelta(days=2.2)
    assert_found(records, labels)


def assert_found(records: list[Any], labels: list[dict[str, Any]]) -> None:
    """Check that each kind's condition holds where the labels say so."""
    in_log_order = sorted(records, key=lambda record: (record.partition, record.offset))
    found = holding(read(record.value for record in in_log_order))
    decisive = [label for label in labels if label["fraud"] and label["decisive"]]
    assert {label["kind"] for label in decisive} == set(Kind)
    for label in decisive:
        # Sources of a fan-in are on all partitions: which of them is the fiftieth depends on who reads.
        assert label["transaction_id"] in found[Kind(label["kind"])] or label["kind"] == Kind.FAN_IN
    assert found[Kind.FAN_IN]


def test_a_killed_generator_leaves_no_label_without_its_transaction(
    deploy: Callable[..., Deployment], tmp_path: Path
) -> None:
    """Labels are written behind their transactions, wherever it ends."""
    pipeline = deploy(partitions=3)
    process = pipeline.spawn("generator", tmp_path / "log", **SCENARIO, GENERATOR_FRAUD_CASES="100")
    eventually(lambda: len(labels_of(pipeline)) > 300, WITHIN, "labels to be written")
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    sent = {json.loads(record.value)["transaction_id"] for record in pipeline.records(topics.TRANSACTIONS)}
    labelled = {label["transaction_id"] for label in labels_of(pipeline)}
    assert len(labelled) > 300
    assert labelled <= sent
