"""``Cluster`` as a library: it serves real clients, and its nodes can be taken down and brought back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import OffsetAndMetadata, TopicPartition

from kafka_local import BrokerFailedError, Cluster
from kafka_local.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
TOOL_ENDS_WITHIN_SECONDS = 180


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give settings that look for announcements in the test's own folder, not in the project's."""
    return Settings.from_env({**os.environ, "KAFKA_LOCAL_STATE": str(tmp_path / "state")})


@pytest.fixture(scope="module")
def lone() -> Iterator[Cluster]:
    """Give one node, shared by the tests that leave it running."""
    with Cluster() as cluster:
        yield cluster


def tool(name: str, cluster: Cluster, *arguments: str, typed: str = "") -> str:
    """Return what Kafka's tool ``name`` prints when ``typed`` is typed into it; it must succeed."""
    command = [sys.executable, "-m", "kafka_local.tools", name, "--bootstrap-server", cluster.bootstrap_servers]
    done = subprocess.run(
        [*command, *arguments],
        cwd=ROOT,
        input=typed,
        capture_output=True,
        text=True,
        timeout=TOOL_ENDS_WITHIN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def create_topic(cluster: Cluster, replicas: int) -> str:
    """Create a topic of one partition with ``replicas`` replicas and return its name."""
    topic = f"topic-{uuid.uuid4()}"
    said = tool("topics", cluster, "--create", "--topic", topic, "--replication-factor", str(replicas))
    assert said == f"Created topic {topic}.\n"
    return topic


def write(cluster: Cluster, topic: str, *lines: str) -> None:
    """Write ``lines``, each a record; an acknowledged one is on all replicas that are in sync."""
    # The tool gives up after three attempts, which a change of leader outlasts.
    arguments = ["--topic", topic, "--command-property", "retries=1000"]
    tool("console-producer", cluster, *arguments, typed="".join(f"{line}\n" for line in lines))


def read(cluster: Cluster, topic: str, count: int) -> list[str]:
    """Return the first ``count`` records of ``topic``, or those that there are after a while."""
    arguments = ["--from-beginning", "--max-messages", str(count), "--timeout-ms", "30000"]
    return tool("console-consumer", cluster, "--topic", topic, *arguments).splitlines()


def test_a_killed_node_comes_back_with_its_data_on_its_port(lone: Cluster) -> None:
    """What was acknowledged before SIGKILL is there after the restart, at the same address."""
    (node,) = lone.nodes
    topic = create_topic(lone, replicas=1)
    write(lone, topic, "before")
    address, pid = node.address, node.pid
    node.kill()
    assert not node.running
    with pytest.raises(BrokerFailedError, match="node 1 is not running"):
        node.pause()
    node.start()
    assert (node.address, node.running) == (address, True)
    assert node.pid != pid
    write(lone, topic, "after")
    assert read(lone, topic, 2) == ["before", "after"]


def test_a_paused_node_goes_on_where_it_was(lone: Cluster) -> None:
    """A pause keeps the process and loses nothing."""
    (node,) = lone.nodes
    topic = create_topic(lone, replicas=1)
    node.pause()
    assert node.running
    node.resume()
    write(lone, topic, "after")
    assert read(lone, topic, 1) == ["after"]


def test_console_tools_print_nothing_of_their_own(lone: Cluster) -> None:
    """Standard output holds what was asked for alone, so that scripts can use it."""
    topic = create_topic(lone, replicas=1)
    write(lone, topic, "one", "two")
    assert read(lone, topic, 2) == ["one", "two"]
    assert tool("get-offsets", lone, "--topic", topic) == f"{topic}:0:2\n"


@pytest.fixture(scope="module")
def known(lone: Cluster) -> str:
    """Give a name that the node knows: of a topic, of a group with an offset, and of a transaction that committed."""
    name = create_topic(lone, replicas=1)
    place = TopicPartition(name, 0)
    with closing(KafkaProducer(bootstrap_servers=lone.bootstrap_servers, transactional_id=name)) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(name, b"x", partition=0)
        producer.commit_transaction()
    group = KafkaConsumer(bootstrap_servers=lone.bootstrap_servers, group_id=name, enable_auto_commit=False)
    with closing(group) as consumer:
        consumer.assign([place])
        consumer.commit({place: OffsetAndMetadata(1)})
    return name


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        (
            "configs",
            ["--describe", "--entity-type", "brokers", "--entity-name", "1"],
            r"\ADynamic configs for broker 1",
        ),
        ("consumer-groups", ["--list"], r"^{known}$"),
        ("leader-election", ["--election-type", "preferred", "--all-topic-partitions"], r"\A\Z"),
        ("topics", ["--list"], r"^{known}$"),
        ("transactions", ["list"], r"^{known}\s+1\s+\d+\s+(CompleteCommit|PrepareCommit)\s*$"),
    ],
)
def test_every_other_tool_runs(lone: Cluster, known: str, name: str, arguments: list[str], said: str) -> None:
    """The class behind each name exists, does a simple thing, and says what it found; no election is due."""
    assert re.search(said.replace("{known}", known), tool(name, lone, *arguments), re.MULTILINE)


def test_three_nodes_serve_and_survive_the_loss_of_one(settings: Settings) -> None:
    """A topic has three replicas; with one node killed it is written and read; the node comes back."""
    with Cluster(3, settings=settings) as cluster:
        assert len(set(cluster.bootstrap_servers.split(","))) == 3
        topic = create_topic(cluster, replicas=3)
        write(cluster, topic, "with three")
        cluster.nodes[0].kill()
        write(cluster, topic, "with two")
        cluster.nodes[0].start()
        assert read(cluster, topic, 2) == ["with three", "with two"]
    assert not any(node.running for node in cluster.nodes)


def test_a_stopped_quorum_comes_back_together(settings: Settings) -> None:
    """Nodes that need one another to serve are launched first and waited for together."""
    with Cluster(2, settings=settings) as cluster:
        for node in cluster.nodes:
            node.kill()
        for node in cluster.nodes:
            node.launch()
        cluster.wait_until_serving()
        topic = create_topic(cluster, replicas=2)
        write(cluster, topic, "again")
        assert read(cluster, topic, 1) == ["again"]
