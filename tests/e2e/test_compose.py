"""The pipeline in Docker, from the first image to the last container: one life of it, looked at from many sides."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from pipeline.contracts import topics
from tests.support.compose import Container, Project, docker, free_ports, network, require_docker
from tests.support.deployment import ROOT, WITHIN
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.timeout(400)]

COUNT = 6000
PER_SECOND = 200
SEED = 7  # by chance alone, one run in a hundred would leave the 9 to 11 percent
GRACE_SECONDS = 30
CONSUMER_MS = "10000"  # nothing more comes: a busy machine takes some seconds to join its group
WORKERS = ("generator", "detector", "legit_processor", "fraud_processor", "dashboard")
READ = (topics.TRANSACTIONS, topics.LEGIT, topics.FRAUD)
MY_RULE = "my-large-amount"
CONSUMER = "/opt/kafka/bin/kafka-console-consumer.sh"


@dataclass(frozen=True, slots=True)
class Life:
    """What was seen. ``consumed`` holds each topic's records as the console consumer prints them."""

    started: list[Container]
    brokers: list[Container]
    users: dict[str, str]
    processed: list[Container]
    settled: list[str]
    alerts: list[str]
    detector_logs: list[list[str]]
    consumed: dict[str, list[str]]
    watched: Counter[str]
    stopped: list[Container]
    stop_seconds: float
    remains: list[str]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a file of rules of one's own: the one that ships, with another name for its first rule, and a list."""
    path = tmp_path_factory.mktemp("rules") / "mine.yaml"
    shipped = (ROOT / "rules" / "transfers.yaml").read_text().replace("large-amount", MY_RULE)
    path.write_text(f"{shipped}\nlists: [{{id: denied, type: deny, on: target, file: lists/denied.csv}}]\n")
    lists = path.parent / "lists"
    lists.mkdir()
    (lists / "denied.csv").write_text("nobody\n")
    for one, mode in ((path, 0o644), (lists, 0o755), (lists / "denied.csv", 0o644)):
        one.chmod(mode)  # the container reads it as another user
    return path


@pytest.fixture(scope="module")
def life(rules: Path) -> Iterator[Life]:
    """Bring Kafka and the services up, let them process everything, stop them, take them down."""
    require_docker()
    name = f"fraud-test-{uuid.uuid4().hex[:8]}"
    kafka = Project(
        f"{name}-kafka", "docker-compose.kafka.yml", {"KAFKA_NETWORK": name, "KAFKA_OUTSIDE_PORT": free_ports(1)[0]}
    )
    password = uuid.uuid4().hex
    variables = {
        # One processor has a file, the other a server.
        "POSTGRES_PASSWORD": password,
        "LEDGER_DATABASE_URL": f"postgresql://postgres:{password}@postgres/ledger",
        "KAFKA_NETWORK": name,
        "DASHBOARD_PORT": str(free_ports(1)[0]),
        "DASHBOARD_TOKEN": uuid.uuid4().hex,
        "PROMETHEUS_PORT": str(free_ports(1)[0]),
        "TRANSACTIONS_PER_SECOND": str(PER_SECOND),
        "TRANSACTIONS_COUNT": str(COUNT),
        "GENERATOR_SEED": str(SEED),
        "RULES_FILE": str(rules),
        "RULES_LISTS": str(rules.parent / "lists"),
    }
    pipeline = Project(name, "docker-compose.yml", variables)
    with network(name), kafka.taken_down(), pipeline.taken_down():
        kafka.compose("up", "--detach", "--wait")
        yield _live(kafka, pipeline)


def _live(kafka: Project, pipeline: Project) -> Life:
    pipeline.compose("build")
    pipeline.compose("--profile", "postgres", "up", "--detach", "--wait")
    started, brokers = pipeline.containers(), kafka.containers()
    users = {container.service: container.run("id", "-u") for container in [*started, *brokers] if container.runs}
    pipeline.compose("up", "--detach", "--wait", "--no-deps", "--no-recreate", "--scale", "detector=3", "detector")
    pipeline.compose("up", "--detach", "--wait", "--no-deps", "--no-recreate", "prometheus")
    watched = _watched(pipeline.variables["PROMETHEUS_PORT"])
    _wait_until_processed(pipeline)
    processed = pipeline.containers()
    alerts, settled = _lines(processed, "fraud_processor"), _lines(processed, "legit_processor")
    consumed = {topic.key: _consume(kafka, topic.default_name) for topic in READ}
    logs = [container.log() for container in processed if container.service == "detector"]
    began = time.monotonic()
    pipeline.compose("--profile", "*", "stop")
    stop_seconds = time.monotonic() - began
    stopped = pipeline.containers()
    pipeline.down()
    kafka.down()
    volumes = [volume for container in [*stopped, *brokers] for volume in container.volumes]
    kept = [volume for volume in docker("volume", "ls", "--quiet").split() if volume in volumes]
    remains = [*pipeline.remains(), *kafka.remains(), *kept]
    return Life(
        started, brokers, users, processed, settled, alerts, logs, consumed, watched, stopped, stop_seconds, remains
    )


def _watched(port: str) -> Counter[str]:
    """Return how many processes of each service Prometheus reaches, once it has found all that do not end."""

    def reached() -> Counter[str] | None:
        answer = httpx.get(
            f"http://127.0.0.1:{port}/api/v1/query", params={"query": "up == 1"}, trust_env=False, timeout=30
        )
        found = Counter(one["metric"]["job"] for one in answer.json()["data"]["result"])
        del found["generator"]  # which may be done by now
        return found if found.total() >= len(WORKERS[1:]) + 2 else None

    return eventually(reached, WITHIN, "Prometheus to find every process") or Counter()


def _wait_until_processed(pipeline: Project) -> None:
    for generator in pipeline.containers("generator"):
        generator.wait_for_end()

    def processed() -> bool:
        return sum(len(container.output()) for container in pipeline.containers(*WORKERS[2:4])) >= COUNT

    eventually(processed, WITHIN, f"{COUNT} transactions to be settled or to raise an alert")


def _consume(kafka: Project, topic: str) -> list[str]:
    where = ("--bootstrap-server", "localhost:9092", "--topic", topic, "--from-beginning")
    return kafka.compose("exec", "-T", "broker", CONSUMER, *where, "--timeout-ms", CONSUMER_MS).splitlines()


def _lines(containers: list[Container], service: str) -> list[str]:
    return [line for container in containers if container.service == service for line in container.output()]


def test_every_service_becomes_healthy(life: Life) -> None:
    """``up --wait`` ends with the topics created, every service healthy, and none of them restarted."""
    seen = {(container.service, container.status, container.health) for container in life.started}
    running = (*WORKERS, "postgres")
    assert seen == {("topics", "exited", ""), *((service, "running", "healthy") for service in running)}
    assert [broker.health for broker in life.brokers] == ["healthy"]
    assert {container.restarts for container in life.processed} == {0}


def test_detectors_share_the_work(life: Life) -> None:
    """Scaled to three while transactions flow, each of the detectors commits some of them, healthy to the end."""
    detectors = [container for container in life.processed if container.service == "detector"]
    assert [container.health for container in detectors] == ["healthy"] * 3
    assert [any('"message":"committed"' in line for line in log) for log in life.detector_logs] == [True] * 3


def test_prometheus_finds_every_process(life: Life) -> None:
    """Replicas have no names of their own: they are found by that of their service."""
    assert life.watched == Counter(WORKERS[1:]) + Counter(detector=2)


def test_the_generator_stays_done(life: Life) -> None:
    """After its count, the generator has exited with 0, and is not started again."""
    assert [
        (container.status, container.exit_code, container.restarts)
        for container in life.processed
        if container.service == "generator"
    ] == [("exited", 0, 0)]


def test_the_console_consumer_reads_all_three_topics(life: Life) -> None:
    """Kafka's own tool, in the broker's container, shows every transaction once going in and once coming out."""
    sent, legit, fraud = ([json.loads(line)["transaction_id"] for line in life.consumed[topic.key]] for topic in READ)
    assert len(sent) == COUNT
    assert sorted(legit + fraud) == sorted(sent)


def test_a_tenth_is_fraud_and_every_transaction_is_processed(life: Life) -> None:
    """Amounts are uniform to 1000 and fraud begins at 900; each transaction is settled or raises an alert."""
    assert all(line.startswith("[TRANSFER]") for line in life.settled)
    assert all(line.startswith("[ALERT] fraud detected") for line in life.alerts)
    assert len(life.settled) + len(life.alerts) == COUNT
    assert 0.09 < len(life.alerts) / COUNT < 0.11


def test_transactions_are_judged_by_the_file_that_rules_file_names(life: Life) -> None:
    """Detectors in containers read the file of this machine, and every verdict names the rule in it."""
    rules = [[hit["rule"] for hit in json.loads(line)["verdict"]["hits"]] for line in life.consumed[topics.FRAUD.key]]
    assert rules == [[MY_RULE]] * len(rules)


def test_containers_have_no_more_rights_than_they_need(life: Life) -> None:
    """No process is root's, and no service can write to its own file system."""
    assert life.users.keys() == {"broker", "postgres", *WORKERS}
    assert {life.users[service] for service in WORKERS} == {"10001\n"}
    assert life.users["broker"] != "0\n"
    assert all(container.read_only for container in life.processed if container.service != "postgres")


def test_stopping_is_quick_and_in_order(life: Life) -> None:
    """``docker compose stop`` ends every container with exit code 0, within the grace period."""
    assert {(container.status, container.exit_code) for container in life.stopped} == {("exited", 0)}
    assert life.stop_seconds < GRACE_SECONDS


def test_down_leaves_nothing_behind(life: Life) -> None:
    """``docker compose down --volumes`` removes every container, volume and network, nameless volumes too."""
    assert life.remains == []
