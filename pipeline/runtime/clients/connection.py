"""How every client of ours connects, and the errors of the client that our own modules may name."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from kafka.errors import (
    AuthorizationError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from pipeline.runtime.clients.deadlines import BOOTSTRAP_MS, CONNECTION_SETUP_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.runtime.cluster_settings import KafkaSettings

__all__ = ["ACCESS_ERRORS", "KafkaError", "PatientNetClient", "TransactionalNetClient", "connect"]

# Trying again does not help against these.
ACCESS_ERRORS = (
    AuthorizationError,
    IllegalSaslStateError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

LEAST_CONNECTION_DELAY_MS = 50
PROBE_SECONDS = 1.0

T = TypeVar("T")


class CountingConnections(KafkaConnectionManager):  # type: ignore[misc] # kafka-python has no types
    """Counts in ``losses`` the connections that had been made and broke: a broker may have started anew since."""

    losses = 0

    def get_connection(self, node_id: object, **config: Any) -> Any:  # noqa: ANN401 (a client without types)
        """Return the connection to a node, a new one where there is none."""
        known = self._conns.get(node_id)
        connection = super().get_connection(node_id, **config)
        if connection is not known:
            connection.close_future.add_errback(lambda _: self._closed_on_error(connection))
        return connection

    def _closed_on_error(self, connection: Any) -> None:  # noqa: ANN401 (as above)
        if connection.init_future.succeeded():
            self.losses += 1


class UnmendedConnections(CountingConnections):
    """Makes no new connection after one broke: over it an open transaction would reach a broker that began anew."""

    def get_connection(self, node_id: object, **config: Any) -> Any:  # noqa: ANN401 (as above)
        """Return a connection that there is, or a new one while none has broken."""
        if self.losses and node_id not in self._conns:
            raise NodeNotReadyError(node_id)
        return super().get_connection(node_id, **config)


class PatientNetClient(KafkaNetClient):  # type: ignore[misc] # kafka-python has no types
    """Keeps the producer's sender thread from spinning while a broker is neither up nor down.

    ``connection_delay`` answers in seconds where the sender takes milliseconds, and 0 while a connection is being made
    or has as many requests under way as it may have: a whole core for as long as a broker hangs
    (dpkp/kafka-python#1907, back in 3.0). For producers only: a consumer takes any delay for a coordinator that is
    dead, and under load might never join its group.
    """

    connections: ClassVar[type[CountingConnections]] = CountingConnections

    def __init__(self, **config: Any) -> None:  # noqa: ANN401 (whatever the client passes on)
        config.setdefault("socket_connection_setup_timeout_ms", CONNECTION_SETUP_MS)
        net = NetworkSelector(**config)
        super().__init__(net=net, manager=self.connections(net, **config), **config)

    @property
    def losses(self) -> int:
        """Return how many connections broke that had been made."""
        return int(self._manager.losses)

    def connection_delay(self, node_id: object) -> float:
        """Return how long to wait for a connection, in milliseconds, never 0 while none takes requests."""
        delay_ms = float(super().connection_delay(node_id)) * 1000
        connection = self._manager._conns.get(node_id)  # noqa: SLF001 (nothing public tells)
        if connection is None or connection.paused or not connection.connected:
            return max(delay_ms, LEAST_CONNECTION_DELAY_MS)
        return delay_ms


class TransactionalNetClient(PatientNetClient):
    """Serves a producer until the first of its connections breaks, and no longer: then the producer is replaced."""

    connections = UnmendedConnections


def connect(client: Callable[..., T], settings: KafkaSettings, **config: Any) -> T:  # noqa: ANN401 (the client's own)
    """Return a client of this class, connected, with the shared configuration and ``config``.

    A client that cannot bootstrap raises from its constructor and leaves a thread behind that goes on trying, so
    first somebody must listen.

    Raises:
        KafkaError: no broker answered.

    """
    for address in settings.brokers:
        host, _, port = address.rpartition(":")
        with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), PROBE_SECONDS):
            return client(**config_of(settings), **config)
    raise KafkaConnectionError(f"nobody listens at {','.join(settings.brokers)}")


def config_of(settings: KafkaSettings) -> dict[str, Any]:
    """Return the keyword arguments that producers, consumers and admin clients share."""
    config: dict[str, Any] = {
        "bootstrap_servers": list(settings.brokers),
        "security_protocol": settings.security_protocol,
        # Setting one option replaces the client's list of them, the one that it needs for latency included.
        "socket_options": [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)],
        "reconnect_backoff_max_ms": 1_000,
        "bootstrap_timeout_ms": BOOTSTRAP_MS,
    }
    if settings.security_protocol.startswith("SASL"):
        config["sasl_mechanism"] = settings.sasl_mechanism
        config["sasl_plain_username"] = settings.sasl_username
        config["sasl_plain_password"] = settings.sasl_password
    if settings.security_protocol.endswith("SSL"):
        config["ssl_cafile"] = settings.ssl_cafile or None
        config["ssl_certfile"] = settings.ssl_certfile or None
        config["ssl_keyfile"] = settings.ssl_keyfile or None
        config["ssl_password"] = settings.ssl_key_password or None
    return config
