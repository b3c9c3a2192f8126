"""Picks TCP ports of 127.0.0.1 that a node can keep while it is down."""

from __future__ import annotations

import random
import socket
from typing import TYPE_CHECKING

from kafka_local.errors import BrokerFailedError
from kafka_local.properties import HOST

if TYPE_CHECKING:
    from collections.abc import Collection

# Below what Linux (32768) and macOS (49152) hand out to outgoing connections. A port from there could be lost while a
# node is down, even to a client of its own: one that retries connecting may by chance be given that port and connect
# to itself. For the same reason "bind to port 0" is no way to find one.
CHOICE = range(20_000, 32_000)
ATTEMPTS = 1_000


def is_free(port: int) -> bool:
    """Return whether a server could listen on ``port`` now."""
    with socket.socket() as probe:
        # As Java does: connections that linger after their close do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(taken: Collection[int]) -> int:
    """Return a free port that is not in ``taken``; random, so that starts at the same time hardly ever clash."""
    for _ in range(ATTEMPTS):
        port = random.choice(CHOICE)  # noqa: S311 no secret
        if port not in taken and is_free(port):
            return port
    raise BrokerFailedError(f"no free port found between {CHOICE.start} and {CHOICE.stop}")
