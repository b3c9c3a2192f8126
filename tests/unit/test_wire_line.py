"""A line to a node, over a real pair of sockets: what comes in pieces, too late, or not at all."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from kafka.errors import KafkaConnectionError, KafkaProtocolError, KafkaTimeoutError
from kafka.protocol.parser import KafkaProtocol
from kafka.protocol.producer import EndTxnResponse

from pipeline.runtime.wire.line import Line
from pipeline.runtime.wire.messages import Identity, ending
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 5
WITHIN = 30.0
SIZE = struct.Struct(">i")


class Peer:
    """The other end, and the line to it."""

    def __init__(self, lifetime_ms: int = 0) -> None:
        ours, self.socket = socket.socketpair()
        self.cancelled: list[Any] = []
        connection = SimpleNamespace(
            node_id=3,
            transport=SimpleNamespace(_read_task="reading", _sock=ours),
            parser=KafkaProtocol(client_id="test"),
            broker_version_data=SimpleNamespace(api_version=lambda _: VERSION),
            _reauth=SimpleNamespace(task="login" if lifetime_ms else None, session_lifetime_ms=lifetime_ms),
        )
        self.line = Line(connection, SimpleNamespace(cancel=self.cancelled.append))
        self._correlation = 0

    def answer(self, epoch: int, muted_ms: int = 0) -> bytes:
        """Return an answer to the next request, of a broker that then reads nothing for so long."""
        self._correlation += 1
        said = EndTxnResponse(
            version=VERSION, throttle_time_ms=muted_ms, error_code=0, producer_id=1, producer_epoch=epoch
        )
        said.with_header(correlation_id=self._correlation)
        written: bytes = said.encode(framed=True, header=True)
        return written

    def close(self) -> None:
        """Close both ends."""
        self.line.close()
        self.socket.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Provide one."""
    with closing(Peer()) as made:
        yield made


def soon() -> float:
    """Return a deadline."""
    return time.monotonic() + WITHIN


def request() -> Any:
    """Return a request, of whatever kind."""
    return ending(Identity("id", 1, 0), committed=True)


def test_the_client_lets_go_of_the_connection() -> None:
    """Its network loop neither reads from it nor logs in again over it."""
    with closing(Peer(lifetime_ms=60_000)) as peer:
        assert peer.cancelled == ["reading", "login"]


def test_answers_come_in_the_order_of_the_requests_however_they_are_cut(peer: Peer) -> None:
    """Two at once, one in single bytes: what is behind an answer is kept for the next."""
    for _ in range(3):
        peer.line.send(request(), soon())
    sent = peer.socket.recv(10_000)
    (size,) = SIZE.unpack_from(sent)
    assert len(sent) == 3 * (size + SIZE.size)
    first, second, third = (peer.answer(epoch) for epoch in range(3))
    peer.socket.sendall(first + second[:7])
    assert peer.line.receive(soon()).producer_epoch == 0
    peer.socket.sendall(second[7:])
    assert peer.line.receive(soon()).producer_epoch == 1
    for byte in third:
        peer.socket.sendall(bytes([byte]))
    assert peer.line.receive(soon()).producer_epoch == 2
    assert peer.line.look()


def test_what_does_not_come_in_time_breaks_the_line(peer: Peer) -> None:
    """Its answer may come later, and nobody could tell whose it is."""
    peer.line.send(request(), soon())
    with pytest.raises(KafkaTimeoutError, match="node 3 took too long, waiting for an answer"):
        peer.line.receive(time.monotonic() + 0.02)
    assert peer.line.broken
    with pytest.raises(KafkaConnectionError, match="broken before"):
        peer.line.ask(request(), soon())


def test_a_broker_that_holds_back_for_a_quota_is_waited_for(peer: Peer) -> None:
    """It has said for how long it reads nothing: whoever gave up before would never get a transaction through."""
    peer.line.send(request(), soon())
    peer.socket.sendall(peer.answer(1, muted_ms=int(WITHIN * 1000)))
    peer.line.receive(soon())
    peer.line.send(request(), time.monotonic())
    later = threading.Timer(0.05, lambda: peer.socket.sendall(peer.answer(2)))
    later.start()
    assert peer.line.receive(time.monotonic()).producer_epoch == 2
    later.join(WITHIN)


def test_a_peer_that_goes_is_noticed(peer: Peer) -> None:
    """In the middle of an answer, and while nothing is under way."""
    peer.line.send(request(), soon())
    peer.socket.sendall(peer.answer(1)[:9])
    peer.socket.close()
    with pytest.raises(KafkaConnectionError, match="node 3 closed the connection"):
        peer.line.receive(soon())
    with closing(Peer()) as other:
        assert other.line.look()
        other.socket.close()
        eventually(lambda: not other.line.look(), WITHIN, "the end to be noticed")
        assert other.line.broken


def test_a_peer_that_reads_nothing_is_given_up(peer: Peer) -> None:
    """A request that its buffers do not take is not waited for longer than it may."""
    large = request()
    large.transactional_id = "x" * 30_000
    with pytest.raises(KafkaTimeoutError, match="sending"):  # noqa: PT012 (one of many does not fit any more)
        for _ in range(1_000):
            peer.line.send(large, time.monotonic() + 0.02)
    assert peer.line.broken


def test_an_answer_that_nobody_asked_for_breaks_the_line(peer: Peer) -> None:
    """Whether somebody waits for another or nobody does."""
    peer.socket.sendall(peer.answer(1))
    eventually(lambda: not peer.line.look(), WITHIN, "what came to be noticed")
    with closing(Peer()) as other:
        other.line.send(request(), soon())
        other.answer(1)
        other.socket.sendall(other.answer(2))
        with pytest.raises(KafkaProtocolError):
            other.line.receive(soon())
        assert other.line.broken


def test_a_login_that_runs_out_ends_the_line_before_the_broker_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brokers cut connections whose session is over, in the middle of whatever is under way."""
    with closing(Peer(lifetime_ms=10_000)) as peer:
        begun = time.monotonic()
        assert peer.line.look()
        monkeypatch.setattr("pipeline.runtime.wire.line.time", SimpleNamespace(monotonic=lambda: begun + 9))
        assert not peer.line.look()
