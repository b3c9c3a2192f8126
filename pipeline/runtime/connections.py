"""What is done with connections that do not come to an end. It knows HTTP, and nothing of what is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

REQUEST_SECONDS: Final = 10.0  # from its first byte, or the connection's begin, to its last


class Connection(H11Protocol):
    """A connection that is closed when a request is not complete in time, or when others need its place.

    The server would wait for ever: as many silent connections as it takes would lock out everybody else, and whoever
    asks for the health of the service. So when there are that many, the one that has waited longest for a request to
    come goes.
    """

    _due: asyncio.TimerHandle | None = None
    _since = 0.0  # when it began to wait for a request

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as it is above us
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._make_room()
        self._due = self.loop.call_later(REQUEST_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        """Take some of a request; wait for no more of it once it is complete."""
        super().data_received(data)
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._leave_off()
        elif self._due is None:
            self._due = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._leave_off()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._since = self.loop.time()
        super().on_response_complete()

    def _make_room(self) -> None:
        if self.limit_concurrency is None or len(self.connections) < self.limit_concurrency:
            return
        others = (one for one in self.connections if one is not self and isinstance(one, Connection))
        waiting = [one for one in others if one.cycle is None or one.cycle.response_complete]
        if waiting:
            longest = min(waiting, key=lambda one: one._since)  # noqa: SLF001 (of its own kind)
            self.connections.discard(longest)  # which the server does when it is told of the end: too late for this one
            longest.transport.close()

    def _leave_off(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
