"""The auditor on a real Kafka: it finds what was written by hand to be wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from tests.support.deployment import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

GOOD = b'{"source":"A1","target":"B2","amount":231.67,"currency":"EUR"}'


def judged(deploy: Callable[..., Deployment], count: int) -> Deployment:
    """Return a deployment whose detector has judged so many good transactions."""
    pipeline = deploy()
    pipeline.put(*[GOOD] * count)
    with pipeline.running("detector"):
        pipeline.wait_until_judged(count)
    return pipeline


def forge(pipeline: Deployment, origin: bytes) -> None:
    """Write an outcome by hand."""
    with pipeline.producer() as producer:
        producer.send(pipeline.name(topics.FRAUD), GOOD, headers=[("pipeline.origin", origin)])


def test_a_clean_pipeline_is_found_clean(deploy: Callable[..., Deployment]) -> None:
    """Every input offset has one outcome, and the line says so."""
    report = judged(deploy, 5).audit()
    assert report.line() == "audit: in=5 legit=5 fraud=0 dead-letter=0 lost=0 duplicated=0"


def test_a_second_outcome_is_found(deploy: Callable[..., Deployment]) -> None:
    """An outcome on both branches is a duplicate, named by its coordinates."""
    pipeline = judged(deploy, 3)
    forge(pipeline, b"0:1")
    report = pipeline.audit()
    assert (report.duplicated, report.examples["duplicated"]) == (1, ["0:1"])
    assert not report.clean


def test_a_missing_outcome_is_found(deploy: Callable[..., Deployment]) -> None:
    """Input that was committed without an outcome is lost, named by its coordinates."""
    pipeline = judged(deploy, 2)
    pipeline.put(GOOD, GOOD)
    pipeline.commit_by_hand("detector", 4)
    report = pipeline.audit()
    assert (report.input, report.lost, report.examples["lost"]) == (4, 2, ["0:2", "0:3"])


def test_an_outcome_of_nothing_is_found(deploy: Callable[..., Deployment]) -> None:
    """An outcome whose origin is unreadable is told as unknown."""
    pipeline = judged(deploy, 1)
    forge(pipeline, b"rubbish")
    report = pipeline.audit()
    assert report.unknown == 1
    assert report.line().endswith("lost=0 duplicated=0 unknown=1")


def test_what_is_not_committed_yet_is_not_judged(deploy: Callable[..., Deployment]) -> None:
    """Input that nobody has got to is neither lost nor counted."""
    pipeline = judged(deploy, 2)
    pipeline.put(GOOD)
    report = pipeline.audit()
    assert (report.input, report.clean) == (2, True)


def test_the_command_exits_with_1_and_names_them(deploy: Callable[..., Deployment]) -> None:
    """``python -m pipeline.operations.audit`` prints the line and the coordinates; ``--json`` the whole report."""
    pipeline = judged(deploy, 2)
    forge(pipeline, b"0:0")
    command = [sys.executable, "-m", "pipeline.operations.audit"]
    run = subprocess.run(command, cwd=ROOT, env=pipeline.environ, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stderr
    assert "duplicated=1" in run.stdout
    assert "duplicated, the first: 0:0" in run.stdout
    as_json = subprocess.run(
        [*command, "--json"], cwd=ROOT, env=pipeline.environ, capture_output=True, text=True, check=False
    )
    assert json.loads(as_json.stdout)["duplicated"] == 1
