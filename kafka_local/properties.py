"""What a node's server.properties says: pure functions of ports and of what the caller adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka_local.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HOST = "127.0.0.1"
REPLICAS = 3

# Relative to the node's folder, which its Java process runs in: an absolute path with a comma would be two folders.
LOG_FOLDER = "data"

RESERVED = frozenset(
    {
        "process.roles",
        "node.id",
        "broker.id",
        "listeners",
        "advertised.listeners",
        "controller.listener.names",
        "controller.quorum.voters",
        "controller.quorum.bootstrap.servers",
        "log.dir",
        "log.dirs",
        "metadata.log.dir",
    }
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A node's id, from 1, and the two ports of 127.0.0.1 it listens on.

    A node may have a second way in for clients: it listens on ``back_port`` and tells whoever comes that way to come to
    ``front_port``, where something that forwards to it stands in between.
    """

    node_id: int
    client_port: int
    controller_port: int
    front_port: int | None = None
    back_port: int | None = None

    @property
    def address(self) -> str:
        """Return where clients reach the node, as ``host:port``."""
        return f"{HOST}:{self.client_port}"


def broker_properties(node_id: int, endpoints: Sequence[Endpoint], extra: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of node ``node_id`` of a cluster made of ``endpoints``; ``extra`` wins over ours.

    Raises RequestError where ``extra`` names a property by which the launcher itself finds its nodes and their data.
    """
    if taken := sorted(RESERVED & extra.keys()):
        raise RequestError(f"the launcher itself sets {', '.join(taken)}: take it out of the broker properties")
    own = next(endpoint for endpoint in endpoints if endpoint.node_id == node_id)
    replicas = min(REPLICAS, len(endpoints))
    return {
        "process.roles": "broker,controller",
        "node.id": str(node_id),
        "listeners": f"PLAINTEXT://{own.address},CONTROLLER://{HOST}:{own.controller_port}{_at(own.back_port)}",
        "advertised.listeners": f"PLAINTEXT://{own.address}{_at(own.front_port)}",
        "controller.listener.names": "CONTROLLER",
        # A caller may secure the listener of the clients: PLAINTEXT is its name, and need not be its protocol.
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,FRONT:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        # Static voters, not a bootstrap list: those would be written into the data, ports and all.
        "controller.quorum.voters": ",".join(f"{e.node_id}@{HOST}:{e.controller_port}" for e in endpoints),
        "log.dirs": LOG_FOLDER,
        **_replication(replicas),
        **_quickness(),
        **extra,
    }


def _at(port: int | None) -> str:
    return "" if port is None else f",FRONT://{HOST}:{port}"


def _replication(replicas: int) -> dict[str, str]:
    """Return a write's safety: one of the replicas may be missing, where there are more than one."""
    in_sync = str(max(1, replicas - 1))
    return {
        "default.replication.factor": str(replicas),
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": str(replicas),
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": str(replicas),
        "share.coordinator.state.topic.min.isr": in_sync,
    }


def _quickness() -> dict[str, str]:
    return {
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        # A transaction that timed out is found within a second; stock Kafka looks every ten.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
        # A killed node can only come back once the controllers gave up its session; stock: 9 s, with a beat of 2 s.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # Stock: 50 partitions each, created when the first client asks for its coordinator.
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.num.partitions": "8",
        "share.coordinator.state.topic.num.partitions": "8",
        # Stock: 128 MiB of heap in every node, whether anything is compacted or not.
        "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
    }


def render(properties: Mapping[str, str]) -> str:
    """Return ``properties`` as the text of a Java properties file, in ASCII, one line each, in their order."""
    return "".join(f"{_escaped(name, key=True)}={_escaped(value)}\n" for name, value in properties.items())


def _escaped(text: str, *, key: bool = False) -> str:
    specials = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
    if key:
        specials |= {"=": "\\=", ":": "\\:", " ": "\\ ", "#": "\\#", "!": "\\!"}
    plain = "".join(specials.get(character, character) for character in text)
    if plain.startswith(" "):
        plain = "\\" + plain
    utf16 = plain.encode("utf-16-be")
    units = [int.from_bytes(utf16[at : at + 2], "big") for at in range(0, len(utf16), 2)]
    return "".join(chr(unit) if chr(unit).isascii() else f"\\u{unit:04x}" for unit in units)
