"""Makes lines: connections that kafka-python has set up, with TLS and login, and that one of our threads takes over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from kafka.net.connection import KafkaConnection

from pipeline.runtime.clients.deadlines import CONNECTION_SETUP_MS
from pipeline.runtime.wire.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable


def opened(manager: Any, node: Any) -> Line:  # noqa: ANN401 (a client without types)
    """Return a new line to a node that the client's manager of connections knows, whoever drives its network loop.

    Raises:
        KafkaError: there was no connection in time.

    """
    net = manager._net  # noqa: SLF001 (there is no public way)
    connection = KafkaConnection(net, node_id=node.node_id, **manager.config)
    timeout_at = time.monotonic() + CONNECTION_SETUP_MS / 1000

    async def made() -> Line:
        await manager._connect(node, connection, timeout_at=timeout_at)  # noqa: SLF001
        await connection
        return Line(connection, net)

    try:
        line: Line = driven(manager, made, CONNECTION_SETUP_MS)
    except BaseException:
        net.call_soon_threadsafe(connection.close)
        raise
    return line


def driven(manager: Any, action: Callable[[], Any], timeout_ms: float) -> Any:  # noqa: ANN401 (as above)
    """Return what comes of something on the client's network loop, or raise KafkaTimeoutError."""
    net = manager._net  # noqa: SLF001 (as above)
    return net.run(manager.wait_for, manager.call_soon(action), timeout_ms)
