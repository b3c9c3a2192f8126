"""What a node of a local Kafka is told, and how the file is written that tells it."""

from __future__ import annotations

import pytest

from kafka_local.errors import RequestError
from kafka_local.properties import Endpoint, broker_properties, render

ONE = (Endpoint(1, 20_001, 20_002),)
THREE = tuple(Endpoint(n, 20_000 + 2 * n, 20_001 + 2 * n) for n in (1, 2, 3))


def test_a_lone_node_needs_no_other_replica() -> None:
    """With one node every internal topic has one replica, and a write needs only that one."""
    properties = broker_properties(1, ONE, {})
    assert {value for name, value in properties.items() if "replication.factor" in name} == {"1"}
    assert properties["min.insync.replicas"] == properties["transaction.state.log.min.isr"] == "1"


def test_three_nodes_keep_three_replicas_and_survive_the_loss_of_one() -> None:
    """With three nodes every topic has three replicas by default, of which a write needs two."""
    properties = broker_properties(2, THREE, {})
    assert {value for name, value in properties.items() if "replication.factor" in name} == {"3"}
    assert properties["min.insync.replicas"] == properties["transaction.state.log.min.isr"] == "2"


def test_every_node_listens_on_the_loopback_address_only_and_knows_all_voters() -> None:
    """Listeners name 127.0.0.1 and the node's own two ports; the quorum is the same for every node."""
    properties = broker_properties(2, THREE, {})
    assert properties["listeners"] == "PLAINTEXT://127.0.0.1:20004,CONTROLLER://127.0.0.1:20005"
    assert properties["advertised.listeners"] == "PLAINTEXT://127.0.0.1:20004"
    assert properties["controller.quorum.voters"] == "1@127.0.0.1:20003,2@127.0.0.1:20005,3@127.0.0.1:20007"


def test_what_the_caller_adds_wins() -> None:
    """A property of the caller replaces ours, and one that we do not set is added."""
    properties = broker_properties(1, ONE, {"auto.create.topics.enable": "true", "log.retention.ms": "5"})
    assert properties["auto.create.topics.enable"] == "true"
    assert properties["log.retention.ms"] == "5"


def test_properties_that_place_nodes_and_data_are_refused() -> None:
    """A property by which the launcher finds its nodes again is named in the error."""
    with pytest.raises(RequestError, match=r"listeners, log\.dirs"):
        broker_properties(1, ONE, {"log.dirs": "elsewhere", "listeners": "PLAINTEXT://:1"})


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain", "name=plain"),
        ("a=b:c", "name=a=b:c"),
        ("back\\slash", "name=back\\\\slash"),
        ("two\nlines", "name=two\\nlines"),
        (" leading", "name=\\ leading"),
        ("é€😀", "name=\\u00e9\\u20ac\\ud83d\\ude00"),
    ],
)
def test_values_survive_the_format_of_java(value: str, line: str) -> None:
    """Whatever Java's reader takes for syntax, or for Latin-1, is escaped."""
    assert render({"name": value}) == line + "\n"


def test_names_are_escaped_too() -> None:
    """In a name a separator, a blank or a comment sign would end or hide it."""
    assert render({"#a b=c:d": "1"}) == "\\#a\\ b\\=c\\:d=1\n"
