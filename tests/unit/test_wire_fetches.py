"""Requests for records over lines: who is asked, what is waited for, and what becomes of a node that fails."""

from __future__ import annotations

import socket
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from kafka.errors import KafkaConnectionError

from pipeline.runtime.wire import fetches
from pipeline.runtime.wire.fetches import Fetches

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_MS = 50


class Node:
    """A broker: what it is asked, and answers that a test lets come. A pair of sockets makes them visible."""

    def __init__(self, number: int) -> None:
        self.number_of_node = number
        self.asked: list[Any] = []
        self.down = False
        self._answers: list[Any] = []
        self._ours, self._theirs = socket.socketpair()
        self.lines = 0

    def answer(self, what: Any) -> None:
        """Let an answer come; an error breaks the line."""
        self._answers.append(what)
        self._theirs.send(b"!")

    @property
    def number(self) -> int:
        """The line's number."""
        return self._ours.fileno()

    def look(self) -> bool:
        """Tell whether the line is good."""
        return not self.down

    def send(self, request: Any, _deadline: float) -> None:
        """Take a request."""
        if self.down:
            raise KafkaConnectionError("down")
        self.asked.append(request)

    def receive(self, _deadline: float) -> Any:
        """Return the answer, or break."""
        self._ours.recv(1)
        answer = self._answers.pop(0)
        if isinstance(answer, KafkaConnectionError):
            raise answer
        return answer

    def close(self) -> None:
        """Close the line."""

    def end(self) -> None:
        """Close the sockets."""
        self._ours.close()
        self._theirs.close()


class Fetcher:
    """The client's fetcher, as far as requests need it: it notes what it is told."""

    def __init__(self, *nodes: Node) -> None:
        self.config = {"fetch_max_wait_ms": WAIT_MS}
        self.nodes = {node.number_of_node: node for node in nodes}
        self.handled: list[tuple[int, Any]] = []
        self.failed: list[tuple[int, str]] = []
        self._nodes_with_pending_fetch_requests: set[int] = set()
        self.updates = 0
        known = SimpleNamespace(broker_metadata=self.nodes.get, request_update=self._update)
        self._manager = SimpleNamespace(cluster=known)

    def _update(self) -> None:
        self.updates += 1

    def _create_fetch_requests(self) -> dict[int, tuple[str, str]]:
        waiting = self._nodes_with_pending_fetch_requests
        return {number: (f"of {number}", f"from {number}") for number in self.nodes if number not in waiting}

    def _handle_fetch_response(self, node: int, _offsets: Any, _at: float, answer: Any) -> None:
        self.handled.append((node, answer))

    def _handle_fetch_error(self, node: int, error: Exception) -> None:
        self.failed.append((node, str(error)))


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Node]]:
    """Provide two nodes that can be reached."""
    made = [Node(1), Node(2)]

    def opened(_manager: Any, node: Node) -> Node:
        if node.down:
            raise KafkaConnectionError("refused")
        node.lines += 1
        return node

    monkeypatch.setattr(fetches, "opened", opened)
    yield made
    for node in made:
        node.end()


def test_each_node_is_asked_once_until_it_answers(nodes: list[Node]) -> None:
    """Over one line, however often it is asked."""
    fetcher = Fetcher(*nodes)
    own = Fetches(fetcher)
    own.send()
    own.send()
    assert [node.asked for node in nodes] == [["of 1"], ["of 2"]]
    nodes[0].answer("a")
    assert own.receive(1)
    assert fetcher.handled == [(1, "a")]
    own.send()
    assert [len(node.asked) for node in nodes] == [2, 1]
    assert [node.lines for node in nodes] == [1, 1]


def test_the_first_answer_is_enough_or_everything_is_waited_for(nodes: list[Node]) -> None:
    """A poll that found nothing goes on with the first; what is to be one transaction waits a moment for the rest."""
    fetcher = Fetcher(*nodes)
    own = Fetches(fetcher)
    own.send()
    nodes[1].answer("b")
    assert own.receive(5)
    assert own.asked
    assert own.under_way()
    begun = time.monotonic()
    assert not own.receive(0.02, everything=True)
    assert time.monotonic() - begun >= 0.02
    nodes[0].answer("a")
    assert not own.under_way()
    assert own.receive(5, everything=True)
    assert not own.asked
    assert fetcher.handled == [(2, "b"), (1, "a")]


def test_nothing_is_waited_for_where_nothing_is_asked(nodes: list[Node]) -> None:
    """Not even for a moment."""
    own = Fetches(Fetcher(*nodes))
    assert not own.receive(60)


def test_a_node_that_fails_is_told_and_asked_anew(nodes: list[Node]) -> None:
    """Whether its line breaks, or none can be made; others are not held up, and leaders are looked for."""
    fetcher = Fetcher(*nodes)
    own = Fetches(fetcher)
    own.send()
    nodes[0].answer(KafkaConnectionError("gone"))
    assert own.receive(1)
    assert fetcher.failed == [(1, "KafkaConnectionError: gone")]
    assert fetcher.updates == 1
    nodes[0].down = True
    own.send()
    assert fetcher.failed[1:] == [(1, "KafkaConnectionError: refused")]
    nodes[1].answer("b")
    assert own.receive(1)
    nodes[0].down = False
    own.send()
    assert [len(node.asked) for node in nodes] == [2, 2]
    assert nodes[0].lines == 2


def test_an_answer_that_does_not_come_is_given_up(nodes: list[Node], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked so long ago that a broker would have answered counts as failed, and is asked for anew."""
    fetcher = Fetcher(*nodes)
    own = Fetches(fetcher)
    own.send()
    nodes[1].answer("b")
    own.receive(1)
    monkeypatch.setattr(fetches, "ANSWER_SECONDS", 0.0)
    time_out = time.monotonic() + WAIT_MS / 1000
    while not own.receive(0.01) and time.monotonic() < time_out + 5 and own.asked:
        pass
    assert time.monotonic() >= time_out
    assert fetcher.failed == [(1, "KafkaError: no answer in time")]
    own.send()
    assert len(nodes[0].asked) == 2


def test_closing_forgets_what_was_asked(nodes: list[Node]) -> None:
    """A consumer that is closed waits for nothing."""
    own = Fetches(Fetcher(*nodes))
    own.send()
    own.close()
    assert not own.asked
    assert not own.receive(60)
