"""What rules know of the past, on a real Kafka: it survives whoever judged it."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually
from tests.support.parts import on_both_paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.integration, on_both_paths]

RULES = """
rules:
  - {id: third, when: count() >= 3, key: source, window: 1h}
"""


def sent(number: int, source: str = "A1") -> bytes:
    """Return a transfer."""
    members = {"transaction_id": f"{source}-{number}", "source": source, "target": "B2", "amount": 1, "currency": "EUR"}
    return json.dumps(members).encode()


def with_rules(deploy: Callable[..., Deployment], tmp_path: Path) -> Deployment:
    """Return a pipeline that finds the third transfer of an account within an hour."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return deploy(RULES_FILE=str(path))


def counts_of(pipeline: Deployment, frauds: int) -> list[tuple[str, str]]:
    """Return of each fraud its transaction and the count in its verdict."""
    found = [json.loads(record.value) for record in pipeline.wait_for_records(topics.FRAUD, frauds)]
    return [(one["transaction_id"], one["verdict"]["hits"][0]["values"]["count()"]) for one in found]


def test_a_detector_that_starts_knows_what_the_one_before_has_seen(
    deploy: Callable[..., Deployment], tmp_path: Path
) -> None:
    """Also what could not be read stands in the log, and counts for nobody."""
    pipeline = with_rules(deploy, tmp_path)
    pipeline.put(sent(1), b"no transfer", sent(1, "Z9"), sent(2))
    with pipeline.running("detector"):
        pipeline.wait_for_records(topics.LEGIT, 3)
        pipeline.wait_for_records(topics.dead_letters_of(topics.TRANSACTIONS), 1)
    pipeline.put(sent(3), sent(2, "Z9"), sent(4))
    with pipeline.running("detector"):
        assert counts_of(pipeline, 2) == [("A1-3", "3"), ("A1-4", "4")]


def test_a_detector_that_takes_over_knows_what_the_other_has_seen(
    deploy: Callable[..., Deployment], tmp_path: Path
) -> None:
    """While both live, and again when partitions come back to the first."""
    pipeline = with_rules(deploy, tmp_path)
    with pipeline.running("detector"):
        pipeline.put(sent(1), sent(2))
        pipeline.wait_for_records(topics.LEGIT, 2)
        with pipeline.running("detector"):
            pipeline.put(sent(3))
            pipeline.wait_for_records(topics.FRAUD, 1)
        pipeline.put(sent(4))
        assert counts_of(pipeline, 2) == [("A1-3", "3"), ("A1-4", "4")]


def test_rules_that_are_pushed_know_what_came_before_them(
    deploy: Callable[..., Deployment], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A rule that looks further back reads the log again before it judges; one with another limit need not."""
    caplog.set_level(logging.INFO)
    pipeline = with_rules(deploy, tmp_path)
    with pipeline.running("detector"):
        pipeline.put(sent(1), sent(2))
        pipeline.wait_for_records(topics.LEGIT, 2)
        for number, rules in enumerate((RULES.replace("1h", "2h"), RULES.replace("1h", "2h").replace("3", "4")), 3):
            path = tmp_path / f"{number}.yaml"
            path.write_text(rules)
            ended = pipeline.run("detector.rules", "push", str(path), "--author", "ann", "--reason", f"case {number}")
            assert ended.returncode == 0, ended.stderr
            known = f"case {number}, from the next"
            eventually(lambda known=known: known in caplog.text, WITHIN, "the detector to know")  # type: ignore[misc]
            pipeline.put(sent(number))
            pipeline.wait_for_records(topics.FRAUD, number - 2)
        assert counts_of(pipeline, 2) == [("A1-3", "3"), ("A1-4", "4")]
