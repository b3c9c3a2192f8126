"""The HTTP server beside a loop: what it does with callers who do not come to an end."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pipeline.runtime import connections, http
from pipeline.runtime.http import Address, CannotListenError, listen
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

AT_ONCE, WAITING = 5, 10
WITHIN_SECONDS = 30.0
REQUEST_SECONDS = 1.0
HELD_SECONDS = 3 * REQUEST_SECONDS


@pytest.fixture
def held() -> threading.Event:
    """Provide what the answer waits for that is held."""
    return threading.Event()


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch, held: threading.Event) -> Iterator[str]:
    """Provide the address of a server with little patience."""

    async def sized(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    def slow(_: Request) -> PlainTextResponse:
        never.wait(HELD_SECONDS)
        return PlainTextResponse("at last")

    def until_let_go(_: Request) -> PlainTextResponse:
        held.wait(WITHIN_SECONDS)
        return PlainTextResponse("at last")

    monkeypatch.setattr(connections, "REQUEST_SECONDS", REQUEST_SECONDS)
    monkeypatch.setattr(http, "WAITING", WAITING)
    never = threading.Event()
    routes = [Route("/", sized, methods=["GET", "POST"]), Route("/slow", slow), Route("/held", until_let_go)]
    server = listen(Address("127.0.0.1", 0, "SOMEWHERE"), Starlette(routes=routes), AT_ONCE)
    yield server.address
    server.end()


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: here\r\n"], ids=["nothing", "a-line", "headers"]
)
def test_who_does_not_finish_a_request_holds_up_nobody_for_long(address: str, begun: bytes) -> None:
    """Connections that stay silent are closed: as many as may be open would else lock out everybody, for ever."""
    with ExitStack() as stack:
        for _ in range(AT_ONCE + WAITING + 1):
            one = stack.enter_context(closing(_connected(address)))
            one.sendall(begun)
        eventually(lambda: _answers(address), WITHIN_SECONDS, "an answer")


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (b"GET / HTTP/1.1\r\nHost: here\r\n", b"X: y\r\n"),
        (b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9999\r\n\r\n", b"x"),
    ],
    ids=["headers", "a-body"],
)
def test_a_request_that_trickles_is_not_waited_for(address: str, begun: bytes, more: bytes) -> None:
    """What counts is when a request is complete, and not when its last byte came."""
    with closing(_connected(address)) as one:
        one.sendall(begun)

        def is_closed() -> bool:
            try:
                one.sendall(more)
                one.settimeout(0.05)
                return one.recv(1) == b""
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        assert eventually(is_closed, WITHIN_SECONDS, "the end of the connection")


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"], ids=["nothing", "a-line", "asked"]
)
def test_connections_that_wait_keep_nobody_out(
    address: str, held: threading.Event, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    """Not for a moment, however many there are: whoever asks is answered, and what is under way comes to its end."""
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 60.0)
    with ExitStack() as stack, ThreadPoolExecutor(1) as caller:
        slow = caller.submit(httpx.get, f"{address}/held", trust_env=False, timeout=2 * WITHIN_SECONDS)
        for _ in range(3 * (AT_ONCE + WAITING)):
            one = stack.enter_context(closing(_connected(address)))
            one.sendall(begun)
            if begun.endswith(b"\r\n\r\n"):
                assert one.recv(100).startswith(b"HTTP/1.1 200")
        for _ in range(3):
            assert httpx.get(address, trust_env=False, timeout=WITHIN_SECONDS).status_code == 200
        held.set()
        assert slow.result().text == "at last"


def test_more_requests_than_at_once_are_refused(address: str, held: threading.Event) -> None:
    """Those that are answered keep their place."""
    with ThreadPoolExecutor(AT_ONCE + 1) as callers:
        slow = [callers.submit(httpx.get, f"{address}/held", trust_env=False, timeout=60) for _ in range(AT_ONCE + 1)]
        eventually(lambda: any(one.done() for one in slow), WITHIN_SECONDS, "a refusal")
        held.set()
        assert sorted(one.result().status_code for one in slow) == [200] * AT_ONCE + [503]


def test_who_is_answered_slowly_is_answered(address: str) -> None:
    """The time is that of the request: an answer, and the next request on the connection, have their own."""
    with httpx.Client(base_url=address, trust_env=False, timeout=WITHIN_SECONDS) as client:
        assert client.post("/", content=b"abc").text == "3"
        assert client.get("/slow").text == "at last"
        assert client.post("/", content=b"abcd").text == "4"


def test_a_host_that_is_no_name_is_told() -> None:
    """What no resolver takes is an address where nobody can listen."""
    with pytest.raises(CannotListenError, match="SOMEWHERE"):
        listen(Address("a..b", 0, "SOMEWHERE"), Starlette())


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False, timeout=WITHIN_SECONDS).status_code == 200
    except httpx.TransportError:
        return False  # on a busy machine it was not complete in time itself


def _connected(address: str) -> socket.socket:
    host, _, port = address.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)))
