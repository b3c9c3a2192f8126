"""Three brokers in Docker, of which one is killed while the pipeline runs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pipeline.operations.audit.auditor import audit
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.settings import common_from_env
from tests.support.compose import Project, docker, free_ports, network, require_docker
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.operations.audit.report import Report
    from pipeline.runtime.settings import CommonSettings

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.chaos, pytest.mark.timeout(400)]

COUNT = 4000
PER_SECOND = 100
BEFORE = 500  # transactions that are through when the broker is killed
MORE = 1000  # and how many must follow while it is away
RECOVERED_WITHIN_SECONDS = 60
INSIDE = "broker:9092,broker-2:9092,broker-3:9092"
TOPICS_TOOL = "/opt/kafka/bin/kafka-topics.sh"


@dataclass(frozen=True, slots=True)
class Running:
    """A cluster and the services on it; ``settings`` reach the brokers from outside."""

    kafka: Project
    pipeline: Project
    settings: CommonSettings

    def processed(self) -> int:
        """Return how many transactions came out at the far end: a line each, settled or an alert."""
        return sum(len(each.output()) for each in self.pipeline.containers("legit_processor", "fraud_processor"))

    def wait_until_processed(self, count: int, within: float) -> None:
        """Wait for so many transactions."""
        eventually(lambda: self.processed() >= count, within, f"{count} transactions to be processed")

    def report(self) -> Report:
        """Return the auditor's word on what the detector has committed."""
        return audit(self.settings.kafka, self.settings.topics, Stop().wait, lambda _: None)


@pytest.fixture
def running() -> Iterator[Running]:
    """Bring up three brokers and the services, and take them down again."""
    require_docker()
    name = f"fraud-test-{uuid.uuid4().hex[:8]}"
    ports = free_ports(3)
    outside = {f"KAFKA_OUTSIDE_PORT_{node}": port for node, port in enumerate(ports, start=1)}
    kafka = Project(f"{name}-kafka", "docker-compose.kafka.cluster.yml", {"KAFKA_NETWORK": name, **outside})
    variables = {
        "KAFKA_NETWORK": name,
        "DASHBOARD_PORT": str(free_ports(1)[0]),
        "DASHBOARD_TOKEN": uuid.uuid4().hex,
        "KAFKA_BROKER_URL": INSIDE,
        "TRANSACTIONS_PER_SECOND": str(PER_SECOND),
        "TRANSACTIONS_COUNT": str(COUNT),
    }
    pipeline = Project(name, "docker-compose.yml", variables)
    settings = common_from_env({"KAFKA_BROKER_URL": ",".join(f"127.0.0.1:{port}" for port in ports)})
    with network(name), kafka.taken_down(), pipeline.taken_down():
        kafka.compose("up", "--detach", "--wait")
        pipeline.compose("up", "--build", "--detach", "--wait")
        yield Running(kafka, pipeline, settings)


def test_a_killed_broker_stops_nothing(running: Running) -> None:
    """Records go on coming through without it, it takes its place again afterwards, and nothing is lost or doubled."""
    running.wait_until_processed(BEFORE, WITHIN)
    (victim,) = running.kafka.containers("broker-2")
    docker("kill", victim.id)
    running.wait_until_processed(running.processed() + MORE, RECOVERED_WITHIN_SECONDS)
    assert [broker.runs for broker in running.kafka.containers("broker-2")] == [False]
    running.kafka.compose("up", "--detach", "--wait")
    eventually(lambda: _in_sync(running.kafka, "broker-2"), WITHIN, "every partition to have all its replicas again")
    for generator in running.pipeline.containers("generator"):
        generator.wait_for_end()
    report = eventually(
        lambda: found if (found := running.report()).input >= COUNT else None, WITHIN, "all to be judged"
    )
    assert report is not None
    assert report.clean, report.line()
    assert sum(report.outcomes.values()) == COUNT


def _in_sync(kafka: Project, broker: str) -> bool:
    """Ask a broker whether no partition lacks a replica."""
    described = ("--bootstrap-server", "localhost:9092", "--describe", "--under-replicated-partitions")
    return not kafka.compose("exec", "-T", broker, TOPICS_TOOL, *described).strip()
