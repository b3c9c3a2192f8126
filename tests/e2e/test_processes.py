"""The services as a user runs them: processes, signals, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from tests.support.deployment import ROOT, WITHIN, Deployment
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.broker import Broker

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SERVICES = ("generator", "detector", "legit_processor", "fraud_processor", "pipeline.runtime.provision")
NOBODY = "127.0.0.1:1"  # a port that no broker listens on


def logged(log: Path, message: str) -> bool:
    """Tell whether a message stands in a log."""
    return f'"message":"{message}' in log.read_text()


@pytest.mark.parametrize("module", SERVICES)
def test_help_lists_the_variables(module: str) -> None:
    """``--help`` says what a service is for and which variables set it up."""
    run = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"usage: python -m {module}" in run.stdout
    assert "KAFKA_BROKER_URL" in run.stdout


def test_all_bad_variables_are_told_at_once() -> None:
    """Exit code 2 and a sentence for each bad variable, before anything is connected."""
    bad = {"KAFKA_BROKER_URL": "nowhere", "TRANSACTIONS_PER_SECOND": "fast", "TRANSACTION_FORMAT": "csv"}
    run = subprocess.run(
        [sys.executable, "-m", "generator"],
        cwd=ROOT,
        env={**os.environ, **bad},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    for name in bad:
        assert name in run.stderr


def test_a_broker_that_is_away_ends_the_wait_with_a_clear_error() -> None:
    """Within the start-up time, with warnings on the way, exit code 69, and the address in the sentence."""
    environ = {**os.environ, "KAFKA_BROKER_URL": NOBODY, "KAFKA_STARTUP_TIMEOUT_SECONDS": "4", "LOG_FORMAT": "json"}
    run = subprocess.run(
        [sys.executable, "-m", "detector"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    assert run.returncode == 69
    assert f"is Kafka running at {NOBODY}" in lines[-1]["message"]
    assert any("trying again" in line["message"] for line in lines)
    assert len(lines) < 10


def test_a_command_does_not_wait_as_long() -> None:
    """A person is told soon what it waits for, and has the answer before they have given up; 69 as of services."""
    environ = {**os.environ, "KAFKA_BROKER_URL": NOBODY, "KAFKA_STARTUP_TIMEOUT_SECONDS": " "}
    commands = (["pipeline.operations.audit"], ["pipeline.operations.deadletters", "list"], ["detector.rules", "list"])
    running = [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    # From the first line that each says: how long a machine takes to start them is not asked.
    first = [one.stderr.readline() for one in running if one.stderr is not None]
    begun = time.monotonic()
    for one, line in zip(running, first, strict=True):
        _, told = one.communicate(timeout=60)
        assert one.returncode == 69, told
        assert "trying again" in line
        assert "not within 10 s" in told
    assert time.monotonic() - begun < 25


def test_missing_topics_are_told_with_what_creates_them(kafka: Broker, tmp_path: Path) -> None:
    """A service whose topics nobody created says which, and how to make them."""
    pipeline = Deployment(kafka.bootstrap)
    log = tmp_path / "log"
    process = pipeline.spawn("detector", log, KAFKA_STARTUP_TIMEOUT_SECONDS="3")
    assert process.wait(60) == 69
    assert "python -m pipeline.runtime.provision" in log.read_text()


@pytest.mark.parametrize("module", ["detector", "legit_processor", "fraud_processor", "generator"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_service_in_order(
    module: str,
    number: signal.Signals,
    deploy: Callable[..., Deployment],
    tmp_path: Path,
) -> None:
    """SIGTERM and SIGINT finish what is at hand and exit with 0 within the grace period."""
    pipeline = deploy()
    log = tmp_path / "log"
    process = pipeline.spawn(module, log)
    working = "sent" if module == "generator" else "assigned"
    if module == "generator":
        eventually(lambda: pipeline.records(topics.TRANSACTIONS), WITHIN, "the generator to send")
    else:
        eventually(lambda: logged(log, working), WITHIN, f"{module} to work")
    process.send_signal(number)
    assert process.wait(30) == 0
    assert logged(log, f"{module} stopped")


def test_a_second_signal_ends_a_service_at_once(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """Whoever cannot wait sends another signal: the exit code tells which."""
    pipeline = deploy()
    log = tmp_path / "log"
    process = pipeline.spawn("detector", log)
    eventually(lambda: logged(log, "assigned"), WITHIN, "the detector to work")
    process.send_signal(signal.SIGSTOP)  # so that both signals are there when it goes on
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    assert process.wait(30) in {128 + signal.SIGTERM, 128 + signal.SIGINT}


def test_the_whole_pipeline_with_replicas_that_come_and_go(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """6,000 transactions at 1,500 a second, detectors joining, leaving and being killed: none lost, none doubled."""
    pipeline = deploy(partitions=4)
    count = 6000
    processors = [pipeline.spawn(name, tmp_path / name) for name in ("legit_processor", "fraud_processor")]
    first = pipeline.spawn("detector", tmp_path / "detector")
    generated = {"TRANSACTIONS_PER_SECOND": "1500", "TRANSACTIONS_COUNT": str(count), "GENERATOR_SEED": "7"}
    generator = pipeline.spawn("generator", tmp_path / "generator", **generated)
    pipeline.wait_until_judged(500)
    second = pipeline.spawn("detector", tmp_path / "detector-2")
    eventually(lambda: logged(tmp_path / "detector-2", "assigned"), WITHIN, "the second detector to join")
    first.kill()
    pipeline.spawn("detector", tmp_path / "detector-3")
    eventually(lambda: logged(tmp_path / "detector-3", "assigned"), WITHIN, "the third detector to join")
    second.terminate()
    assert generator.wait(60) == 0
    report = pipeline.wait_until_judged(count)
    assert report.clean, report
    assert 0.07 < report.outcomes["fraud"] / report.input < 0.13
    legit, fraud = report.outcomes["legit"], report.outcomes["fraud"]
    pipeline.wait_until_settled("legit_processor", legit)
    pipeline.wait_until_settled("fraud_processor", fraud)
    printed, alerts = tmp_path / "legit_processor", tmp_path / "fraud_processor"
    # Lines follow the commit, at the latest before the end.
    for process in processors:
        process.terminate()
        assert process.wait(30) == 0
    assert printed.read_text().count("[TRANSFER]") == legit
    assert alerts.read_text().count("[ALERT] fraud detected transfer") == fraud
