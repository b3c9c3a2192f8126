"""Several nodes as one Kafka: puts their folders in place, starts them together, and leaves nothing behind."""

from __future__ import annotations

import logging
import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from kafka_local.datafolder import Identity, occupy, settle_identity
from kafka_local.errors import RequestError
from kafka_local.guard import Guard
from kafka_local.jars import kafka_version
from kafka_local.node import SERVING_WITHIN_SECONDS, STOPPED_WITHIN_SECONDS, Node
from kafka_local.preparation import prepared_installation
from kafka_local.properties import HOST, broker_properties, render
from kafka_local.settings import Settings
from kafka_local.storage import format_node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kafka_local.installation import Installation

# A lone node shuts down in less. Several take 5 s, as the last ones wait for a quorum, which only saves kept data work.
TEMPORARY_STOPPED_WITHIN_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Cluster:
    """A Kafka of ``nodes`` nodes, each broker and controller, all on 127.0.0.1.

    ``properties`` are added to every broker's. ``data`` names a folder that is kept and can be started on again;
    without it the data is temporary. ``port`` is node 1's client port. ``fronts`` names, for each node, a port of
    127.0.0.1 that a proxy listens on: whoever comes by ``front_servers`` is told to come through the proxies, which
    forward to each node's ``back_port``. ``settings`` default to the environment's.
    """

    def __init__(  # noqa: PLR0913 (options, all of them named)
        self,
        nodes: int = 1,
        *,
        properties: Mapping[str, str] | None = None,
        data: Path | None = None,
        port: int | None = None,
        fronts: Sequence[int] = (),
        settings: Settings | None = None,
    ) -> None:
        if nodes < 1:
            raise RequestError(f"a cluster has at least one node, not {nodes}")
        if fronts and len(fronts) != nodes:
            raise RequestError(f"{nodes} node(s) need as many fronts, not {len(fronts)}")
        self.nodes: tuple[Node, ...] = ()
        self._size = nodes
        self._properties = dict(properties or {})
        self._data = data
        self._port = port
        self._fronts = tuple(fronts)
        self._settings = settings or Settings.from_env(os.environ)
        self._exit = ExitStack()

    @property
    def bootstrap_servers(self) -> str:
        """Return every node's address, joined by commas; the same for as long as the cluster is started."""
        return ",".join(node.address for node in self.nodes)

    @property
    def front_servers(self) -> str:
        """Return the proxies' addresses, joined by commas; empty where the cluster has none."""
        return ",".join(f"{HOST}:{port}" for port in self._fronts)

    def __enter__(self) -> Self:
        """Start; see ``start``."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; see ``stop``."""
        self.stop()

    def start(self) -> None:
        """Return when every node serves; whatever goes wrong, or interrupts it, leaves nothing behind.

        Raises MissingToolError, RequestError, PreparationError or BrokerFailedError.
        """
        if any(node.running for node in self.nodes):
            raise RequestError("the cluster is started already")
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut all nodes down, kill those that take too long, remove temporary data. Safe to repeat."""
        self._exit.close()

    def wait_until_serving(self, within_seconds: float = SERVING_WITHIN_SECONDS) -> None:
        """Return once every node serves, which takes the controllers' quorum; raises BrokerFailedError otherwise."""
        deadline = time.monotonic() + within_seconds
        for node in self.nodes:
            node.wait_until_serving(max(0.0, deadline - time.monotonic()))

    def _start(self) -> None:
        guard = Guard()
        self._exit.callback(guard.release)
        installation = prepared_installation(self._settings, guard)
        folder = (self._data or guard.scratch / "kafka").absolute()
        self._exit.callback(os.close, occupy(folder))
        identity = settle_identity(folder, self._size, self._port, self._fronts)
        self.nodes = tuple(self._put_in_place(folder, identity, installation, guard))
        self._exit.callback(self._stop_nodes)
        logger.info("starting Apache Kafka %s with %d node(s), data in %s", kafka_version(), self._size, folder)
        for node in self.nodes:
            node.launch()
        self.wait_until_serving()

    def _put_in_place(self, folder: Path, identity: Identity, installation: Installation, guard: Guard) -> list[Node]:
        nodes = []
        for endpoint in identity.endpoints:
            home = folder / f"node-{endpoint.node_id}"
            home.mkdir(exist_ok=True)
            properties = broker_properties(endpoint.node_id, identity.endpoints, self._properties)
            (home / "server.properties").write_text(render(properties))
            format_node(home, endpoint.node_id, identity.cluster_id, installation.checkpoint)
            nodes.append(Node(endpoint, home, installation, guard))
        return nodes

    def _stop_nodes(self) -> None:
        # All at once, with one bound for all: the last ones of a quorum can not shut down in order on their own.
        within_seconds = TEMPORARY_STOPPED_WITHIN_SECONDS if self._data is None else STOPPED_WITHIN_SECONDS
        deadline = time.monotonic() + within_seconds
        for node in self.nodes:
            node.ask_to_stop()
        for node in self.nodes:
            node.stop(max(0.0, deadline - time.monotonic()))
