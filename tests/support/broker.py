"""The real Kafka that tests run on: one that is named, else one in Docker, else one on the local Java."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from kafka_local import Cluster, KafkaLocalError

if TYPE_CHECKING:
    from collections.abc import Iterator

BOOTSTRAP_VARIABLE = "KAFKA_TEST_BOOTSTRAP"
IMAGE = "apache/kafka:4.3.1"
PORT = 9092
START = "/tmp/start.sh"  # noqa: S108 (inside the container)


class NoBrokerError(Exception):
    """No Kafka can be had here; the sentence says what was tried."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A Kafka that runs: ``bootstrap`` is its address, ``origin`` says where it comes from."""

    bootstrap: str
    origin: str


class ContainerKafka(DockerContainer):
    """One Kafka node in Docker, which advertises the port that Docker maps, known only once it runs."""

    def __init__(self) -> None:
        super().__init__(IMAGE)
        self.with_exposed_ports(PORT)
        self.with_envs(
            KAFKA_NODE_ID="1",
            KAFKA_PROCESS_ROLES="broker,controller",
            KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9094",
            KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
            KAFKA_INTER_BROKER_LISTENER_NAME="BROKER",
            KAFKA_LISTENERS=f"PLAINTEXT://:{PORT},BROKER://:9093,CONTROLLER://:9094",
            KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
            KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
            KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
            KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
            KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
            KAFKA_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS="1000",
            KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
        )
        self.with_command(["bash", "-c", f"until [[ -s {START} ]]; do sleep 0.1; done; . {START}"])

    @property
    def bootstrap(self) -> str:
        """Return the address from outside."""
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(PORT)}"

    def start(self) -> ContainerKafka:
        """Start the node and wait until it serves."""
        super().start()
        advertised = f"PLAINTEXT://{self.bootstrap},BROKER://localhost:9093"
        script = f"export KAFKA_ADVERTISED_LISTENERS={advertised}\nexec /etc/kafka/docker/run\n"
        self.copy_into_container(script.encode(), START)
        LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(120).wait_until_ready(self)
        return self


def docker_answers() -> bool:
    """Tell whether a Docker engine can be used here."""
    if shutil.which("docker") is None:
        return False
    try:
        asked = subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=30)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


@contextmanager
def running_broker() -> Iterator[Broker]:
    """Yield a Kafka for the time of the block.

    Raises:
        NoBrokerError: there is none to be had.

    """
    named = os.environ.get(BOOTSTRAP_VARIABLE)
    if named:
        yield Broker(named, f"{BOOTSTRAP_VARIABLE}")
    elif docker_answers():
        with ContainerKafka() as container:
            yield Broker(container.bootstrap, f"{IMAGE} in Docker")
    else:
        try:
            with Cluster() as cluster:
                yield Broker(cluster.bootstrap_servers, "Apache Kafka on the local Java")
        except KafkaLocalError as error:
            message = f"no {BOOTSTRAP_VARIABLE}, no Docker engine, and without it: {error}"
            raise NoBrokerError(message) from error
