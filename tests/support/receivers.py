"""Real servers on loopback that take messages, or misbehave as they are told."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from aiosmtpd.controller import Controller

from tests.support.compose import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message


class Request(NamedTuple):
    """What came by HTTP."""

    path: str
    headers: Message
    body: bytes


class Receiver:
    """An HTTP server. ``status`` is what it answers; 0: nothing, until ``let_go`` is set."""

    def __init__(self) -> None:
        self.status = 200
        self.let_go = threading.Event()
        self.requests: list[Request] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                receiver.requests.append(Request(self.path, self.headers, body))
                if receiver.status == 0:
                    receiver.let_go.wait(60)
                    return
                self.send_response(receiver.status)
                if receiver.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop: the port is free, and connections are refused."""
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Yield an HTTP server."""
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.end()


class Mailbox:
    """Takes mail, unless ``refusal`` says with what it answers instead."""

    def __init__(self) -> None:
        self.refusal = ""
        self.mails: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 (its name in SMTP)
        """Take a mail."""
        if self.refusal:
            return self.refusal
        self.mails.append(envelope.content)
        return "250 taken"


@contextmanager
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    """Yield an SMTP server's mailbox, and its port."""
    box = Mailbox()
    port = int(free_ports(1)[0])
    controller = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=30)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()
