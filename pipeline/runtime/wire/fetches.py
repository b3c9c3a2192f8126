"""Requests for records over lines of a consumer's own, asked and answered on the thread that polls.

kafka-python's consumer has a thread for its connections: each request goes to it and each answer comes back, which
costs more than a few records do. What is asked for, and what is made of the answers (sessions, errors, leaders that
moved, positions), stays the fetcher's.
"""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.deadlines import REQUEST_MS
from pipeline.runtime.wire.opening import opened

if TYPE_CHECKING:
    from pipeline.runtime.wire.line import Line

# Beyond what a broker may wait for records: then there is no answer any more.
ANSWER_SECONDS: Final = REQUEST_MS / 1000


class _Asked(NamedTuple):
    line: Line
    offsets: Any
    at: float


class Fetches:
    """Asks the leaders of a consumer's partitions for records, each for no more while an answer is to come."""

    def __init__(self, fetcher: Any) -> None:  # noqa: ANN401 (a client without types)
        self._fetcher = fetcher
        self._manager = fetcher._manager  # noqa: SLF001 (there is no public way)
        self._wait_seconds = fetcher.config["fetch_max_wait_ms"] / 1000
        self._lines: dict[Any, Line] = {}
        self._asked: dict[Any, _Asked] = {}

    def send(self) -> None:
        """Ask every leader that is not being asked, for partitions of which nothing lies here."""
        # The fetcher leaves out nodes that it believes to be asked, and partitions of which it has something.
        for node, (request, offsets) in self._fetcher._create_fetch_requests().items():  # noqa: SLF001
            if node in self._asked:
                continue
            now = time.monotonic()
            try:
                line = self._line_to(node)
                line.send(request, now + ANSWER_SECONDS)
            except KafkaError as error:
                self._failed(node, error)
                continue
            self._asked[node] = _Asked(line, offsets, now)
            self._fetcher._nodes_with_pending_fetch_requests.add(node)  # noqa: SLF001

    @property
    def asked(self) -> bool:
        """Whether an answer is to come, or is there and not taken."""
        return bool(self._asked)

    def under_way(self) -> bool:
        """Tell whether an answer is to come that is not there yet."""
        return len(self._ready(0)) < len(self._asked)

    def receive(self, seconds: float, *, everything: bool = False) -> bool:
        """Take what answers there are, waiting for the first of them, or for ``everything``, for so many seconds.

        Return whether there was one.
        """
        deadline = time.monotonic() + seconds
        came = False
        while self._asked:
            left = deadline - time.monotonic()
            ready = self._ready(0 if came and not everything else max(0.0, left))
            for node in ready:
                self._take(node)
            came = came or bool(ready)
            if not ready or (came and not everything) or left <= 0:
                break
        self._give_up()
        return came

    def close(self) -> None:
        """Close the lines."""
        for line in self._lines.values():
            line.close()
        self._lines.clear()
        self._asked.clear()

    def _line_to(self, node: Any) -> Line:  # noqa: ANN401 (as above)
        line = self._lines.get(node)
        if line is None or not line.look():
            known = self._manager.cluster.broker_metadata(node)
            if known is None:
                raise KafkaError(f"node {node} is not known")
            line = self._lines[node] = opened(self._manager, known)
        return line

    def _ready(self, seconds: float) -> list[Any]:
        """Return the nodes whose answers have begun to come, waiting for the first of them."""
        nodes = {asked.line.number: node for node, asked in self._asked.items()}
        poll = select.poll()
        for number in nodes:
            poll.register(number, select.POLLIN)
        return [nodes[number] for number, _ in poll.poll(seconds * 1000)]

    def _take(self, node: Any) -> None:  # noqa: ANN401 (as above)
        asked = self._asked.pop(node)
        try:
            answer = asked.line.receive(time.monotonic() + ANSWER_SECONDS)
        except KafkaError as error:
            self._failed(node, error)
            return
        self._fetcher._nodes_with_pending_fetch_requests.discard(node)  # noqa: SLF001
        self._fetcher._handle_fetch_response(node, asked.offsets, asked.at, answer)  # noqa: SLF001

    def _give_up(self) -> None:
        """Expect no answers any more that should have come."""
        late = time.monotonic() - self._wait_seconds - ANSWER_SECONDS
        for node, asked in list(self._asked.items()):
            if asked.at < late:
                del self._asked[node]
                self._failed(node, KafkaError("no answer in time"))

    def _failed(self, node: Any, error: KafkaError) -> None:  # noqa: ANN401 (as above)
        line = self._lines.pop(node, None)
        if line is not None:
            line.close()
        self._fetcher._nodes_with_pending_fetch_requests.discard(node)  # noqa: SLF001
        self._fetcher._handle_fetch_error(node, error)  # noqa: SLF001
        self._manager.cluster.request_update()
