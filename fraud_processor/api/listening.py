"""An HTTP server beside the loop of a service, in a thread of its own."""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING, Final

import uvicorn

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from fraud_processor.settings import ApiSettings

logger = logging.getLogger(__name__)

END_SECONDS: Final = 5
MOST_AT_ONCE: Final = 50  # requests


class CannotListenError(PipelineError):
    """The address is taken, or is none of this machine."""


class Listening:
    """A server that runs; ``address`` is where."""

    def __init__(self, server: uvicorn.Server, bound: socket.socket) -> None:
        self._server = server
        host, port = bound.getsockname()[:2]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._thread = threading.Thread(target=server.run, args=([bound],), name="cases-api", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Answer what is under way, within bounds, and take no more."""
        self._server.should_exit = True
        self._thread.join(END_SECONDS + 1)


def listen(settings: ApiSettings, application: FastAPI) -> Listening:
    """Serve an application until it is ended.

    Raises:
        CannotListenError: nobody can listen there.

    """
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        where = f"{settings.host}:{settings.port} (CASES_API_HOST, CASES_API_PORT)"
        raise CannotListenError(f"cannot listen at {where}: {error.strerror or error}") from error
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=END_SECONDS,
        lifespan="off",
    )
    found = Listening(uvicorn.Server(config), bound)
    logger.info("the cases are at %s", found.address)
    return found
