"""An HTTP server beside the loop of a service, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

import uvicorn

from pipeline.errors import PipelineError
from pipeline.runtime.admission import BoundedRequests
from pipeline.runtime.connections import Connection

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp

END_SECONDS: Final = 5
MOST_AT_ONCE: Final = 50  # requests
WAITING: Final = 200  # connections beside them, on which nothing is asked just now


class CannotListenError(PipelineError):
    """The address is taken, or is none of this machine."""


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


def listen(
    address: Address, application: ASGIApp, at_once: int = MOST_AT_ONCE, proxies: Collection[str] = ()
) -> Listening:
    """Serve an application until it is ended, so many requests at once.

    ``proxies`` are the addresses and networks that are believed when they say for whom they ask, and nobody else is.

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
        BoundedRequests(application, at_once),
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),  # left out, the server would ask the environment
        limit_concurrency=at_once + WAITING,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=END_SECONDS,
        lifespan="auto",
    )
    return Listening(uvicorn.Server(config), bound)
