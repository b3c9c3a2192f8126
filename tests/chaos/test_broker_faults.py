"""A broker that hangs, dies and comes back, under load: the auditor decides."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from kafka_local import Cluster
from tests.support.deployment import Deployment
from tests.support.eventually import eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kafka_local import Node

pytestmark = pytest.mark.chaos

LOAD = {"TRANSACTIONS_PER_SECOND": "500"}


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[Cluster]:
    """Provide a Kafka that may be hurt, since nobody else uses it."""
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def under_load(own_kafka: Cluster, tmp_path: Path) -> Iterator[Deployment]:
    """Provide a pipeline of processes that works; its services must have survived at the end."""
    pipeline = Deployment(own_kafka.bootstrap_servers)
    pipeline.provision()
    services: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in ("detector", "legit_processor", "fraud_processor", "generator"):
            services[name] = pipeline.spawn(name, tmp_path / name, **LOAD)
        pipeline.wait_until_judged(500)
        yield pipeline
        services["generator"].terminate()
        assert services["generator"].wait(60) == 0
        report = pipeline.wait_until_drained()
        assert report.clean, report
        dead = {name: found.returncode for name, found in services.items() if found.poll() not in {None, 0}}
        assert not dead, f"ended: {dead}; logs in {tmp_path}"
    finally:
        pipeline.end()


def hang(node: Node) -> None:
    """Freeze the broker for longer than the delivery time-out and the session."""
    node.pause()
    until = time.monotonic() + 10
    eventually(lambda: time.monotonic() > until, 15, "ten seconds of a hanging broker")
    node.resume()


def crash(node: Node) -> None:
    """Kill the broker and start it again on its data."""
    node.kill()
    node.start()


def restart(node: Node) -> None:
    """Stop the broker in order and start it again."""
    node.stop()
    node.start()


@pytest.mark.parametrize("hurt", [hang, crash, restart])
def test_nothing_is_lost_or_doubled(hurt: Callable[[Node], None], own_kafka: Cluster, under_load: Deployment) -> None:
    """The pipeline goes on by itself after the fault, no service ends, and every transaction has one outcome."""
    hurt(own_kafka.nodes[0])
    judged = under_load.audit().input
    report = under_load.wait_until_judged(judged + 1000)
    assert report.clean, report
