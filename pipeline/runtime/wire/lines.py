"""The lines to the nodes of a cluster: who leads a partition, who coordinates what, and whether all is well."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from kafka.errors import CoordinatorNotAvailableError, LeaderNotAvailableError, NodeNotReadyError, for_code
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.metadata import CoordinatorType, FindCoordinatorRequest

from pipeline.runtime.clients.connection import KafkaError, config_of
from pipeline.runtime.clients.deadlines import BOOTSTRAP_MS, CONNECTION_SETUP_MS, REQUEST_MS
from pipeline.runtime.wire.messages import greeting
from pipeline.runtime.wire.opening import driven, opened
from pipeline.runtime.wire.pauses import Pauses

if TYPE_CHECKING:
    from collections.abc import Callable

    from kafka.structs import TopicPartition

    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.wire.line import Line

GROUP: Final = CoordinatorType.GROUP
TRANSACTION: Final = CoordinatorType.TRANSACTION
# Brokers close connections that say nothing for ten minutes; we say something before.
QUIET_SECONDS: Final = 240.0
_UNKNOWN: Final = (None, -1)


class Lines:
    """Makes a line to a node when it is first needed, and none any more once one has broken.

    Over a new one, an open transaction could reach a broker that began anew (see ``leftovers``). Leaders and
    coordinators may move, though, and are found where they are.
    """

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        """Find the cluster.

        Raises:
            KafkaError: no broker answered.

        """
        config = {**config_of(settings), "client_id": client_id, "request_timeout_ms": REQUEST_MS}
        self._net = NetworkSelector(client_id=client_id)
        self._manager = KafkaConnectionManager(
            self._net, **config, socket_connection_setup_timeout_ms=CONNECTION_SETUP_MS
        )
        self._cluster = self._manager.cluster
        self._lines: dict[str, Line] = {}
        self._coordinators: dict[tuple[Any, str], Any] = {}
        try:
            self._manager.bootstrap(BOOTSTRAP_MS)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all; what is under way is not waited for."""
        for line in self._lines.values():
            line.close()
        self._manager.close()
        self._net.close()

    def well(self) -> bool:
        """Tell whether no line has broken; to be asked while nothing is under way."""
        now = time.monotonic()
        for line in self._lines.values():
            if not line.look():
                return False
            if now - line.used_at > QUIET_SECONDS:
                with suppress(KafkaError):
                    line.ask(greeting(), now + REQUEST_MS / 1000)
                if line.broken:
                    return False
        return True

    def features(self) -> dict[str, int]:
        """Return the features of the cluster with their levels in force.

        Raises:
            KafkaError: no broker answered.

        """
        answer = self._asked(greeting())
        return {one.name: one.max_version_level for one in answer.finalized_features}

    def to_leader(self, place: TopicPartition) -> Line:
        """Return the line to who leads a partition.

        Raises:
            KafkaError: there is none at the moment, or it cannot be reached.

        """
        pauses = Pauses(time.monotonic() + REQUEST_MS / 1000)
        while (leader := self._cluster.leader_for_partition(place)) in _UNKNOWN:
            self._cluster.add_topic(place.topic)
            self.find_leaders()  # what was asked for before the topic was added does not tell of it
            if not pauses.wait():
                raise LeaderNotAvailableError(f"{place.topic}:{place.partition} has no leader")
        return self._to(f"leader-{leader}", lambda: self._cluster.broker_metadata(leader))

    def find_leaders(self) -> None:
        """Ask who leads what.

        Raises:
            KafkaError: no broker answered.

        """
        driven(self._manager, self._cluster.refresh_metadata, REQUEST_MS)

    def to_coordinator(self, kind: Any, name: str) -> Line:  # noqa: ANN401 (an enumeration of the client's)
        """Return the line to who coordinates a group or a transactional id.

        Raises:
            KafkaError: nobody does at the moment, or it cannot be reached.

        """
        node = self._coordinators.get((kind, name))
        if node is None:
            request = FindCoordinatorRequest(key=name, key_type=kind.value, coordinator_keys=[name])
            answer = self._asked(request)
            found = answer.coordinators[0] if answer.coordinators else answer
            if found.error_code:
                raise for_code(found.error_code)(f"the coordinator of {name}")
            number = self._cluster.add_coordinator(found, kind, name)
            node = self._coordinators[kind, name] = self._cluster.broker_metadata(number)
            if node is None:
                raise CoordinatorNotAvailableError(f"the coordinator of {name}")
        return self._to(f"{kind.name.lower()}-{node.node_id}", lambda: node)

    def forget_coordinator(self, kind: Any, name: str) -> None:  # noqa: ANN401 (as above)
        """Look for a coordinator anew when it is next needed."""
        self._coordinators.pop((kind, name), None)

    def _to(self, name: str, find: Callable[[], Any]) -> Line:
        line = self._lines.get(name)
        if line is None:
            if any(one.broken for one in self._lines.values()):
                raise NodeNotReadyError(f"{name}: another connection has broken")
            node = find()
            if node is None:
                raise NodeNotReadyError(f"{name} is not known")
            line = self._lines[name] = opened(self._manager, node)
        return line

    def _asked(self, request: Any) -> Any:  # noqa: ANN401 (messages of the client)
        return driven(self._manager, lambda: self._manager.send(request), REQUEST_MS)
