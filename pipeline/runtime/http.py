"""An HTTP server beside the loop of a service, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    import asyncio

    from starlette.types import ASGIApp

END_SECONDS: Final = 5
MOST_AT_ONCE: Final = 50  # requests
REQUEST_SECONDS: Final = 10.0  # from its first byte, or the connection's begin, to its last


class CannotListenError(PipelineError):
    """The address is taken, or is none of this machine."""


class _Punctual(H11Protocol):
    """A connection that is closed when a request is not complete in time.

    The server would wait for ever: as many silent connections as it takes at once would lock out everybody else, and
    whoever asks for the health of the service.
    """

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as it is above us
        """Begin to wait for the first request."""
        super().connection_made(transport)
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

    def _leave_off(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


class Listening:
    """A server that runs; ``address`` is where."""

    def __init__(self, server: uvicorn.Server, bound: socket.socket) -> None:
        self._server = server
        host, port = bound.getsockname()[:2]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._thread = threading.Thread(target=server.run, args=([bound],), name="http", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Answer what is under way, within bounds, and take no more."""
        self._server.should_exit = True
        self._thread.join(END_SECONDS + 1)


class Address(NamedTuple):
    """Where to listen; ``variables`` name what says so, for errors."""

    host: str
    port: int
    variables: str


def listen(address: Address, application: ASGIApp, at_once: int = MOST_AT_ONCE) -> Listening:
    """Serve an application until it is ended, so many requests at once.

    Raises:
        CannotListenError: nobody can listen there.

    """
    try:
        host, port, variables = address
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:  # what is no name of a host cannot be encoded
        told = (isinstance(error, OSError) and error.strerror) or error
        raise CannotListenError(f"cannot listen at {host}:{port} ({variables}): {told}") from error
    config = uvicorn.Config(
        application,
        http=_Punctual,
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=at_once,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=END_SECONDS,
        lifespan="auto",
    )
    return Listening(uvicorn.Server(config), bound)
