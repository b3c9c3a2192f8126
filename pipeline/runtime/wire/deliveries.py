"""Brings batches to the leaders of their partitions, one request at a time on each line, and sees to the answers."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Final

from kafka.errors import InvalidMetadataError, KafkaTimeoutError, RetriableError, for_code

from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.deadlines import REPLICAS_MS, REQUEST_MS
from pipeline.runtime.wire.messages import producing, written
from pipeline.runtime.wire.pauses import Pauses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kafka.structs import TopicPartition

    from pipeline.runtime.wire.delivery import Delivery
    from pipeline.runtime.wire.line import Line
    from pipeline.runtime.wire.lines import Lines

# Of a request, unless one batch has more: what is larger is worth another.
REQUEST_BYTES: Final = 4 * 1024 * 1024


class Deliveries:
    """Sends batches, each again where its answer says that it was not taken but may be.

    A batch is sent again as it is, with its sequence numbers, so that a broker that has it already says where. On each
    line one request is under way, and the next waits for its answer: batches of a partition arrive in their order.
    """

    def __init__(self, lines: Lines, name: str | None) -> None:
        """Write as the transactional id ``name``, or without transactions."""
        self._lines = lines
        self._name = name
        self._under_way: dict[Line, list[Delivery]] = {}

    def send(self, waiting: Sequence[Delivery], deadline: float) -> None:
        """Send them; the last request of each line is not waited for.

        Raises:
            KafkaError: a leader is not known or cannot be reached, or a line broke; all that is under way has failed.

        """
        for line, some in self._by_line(waiting).items():
            for request in _in_requests(some):
                self._settle(line, deadline)
                self._ask(line, request, deadline)

    def answered(self) -> bool:
        """Tell whether there is nothing under way to which no answer begins to come."""
        poll = select.poll()
        for line in self._under_way:
            poll.register(line.number, select.POLLIN)
        return len(poll.poll(0)) == len(self._under_way)

    def settle(self, deadline: float) -> None:
        """Wait until all are decided. What was not taken by the deadline has failed; the last answer may come later.

        Raises:
            KafkaError: as of :meth:`send`.

        """
        for line in list(self._under_way):
            self._settle(line, deadline)

    def _settle(self, line: Line, deadline: float) -> None:
        """Wait for what is under way on a line, and send again what has to be."""
        pauses = Pauses(deadline)
        again = self._received(line, deadline)
        while again:
            if not pauses.wait():
                for one, error in again.items():
                    one.failed(KafkaTimeoutError(f"{one.place.topic}:{one.place.partition} took no batch: {error!r}"))
                return
            if any(isinstance(error, InvalidMetadataError) for error in again.values()):
                self._lines.find_leaders()
            rest = {}
            for other, some in self._by_line(list(again)).items():
                if other in self._under_way:
                    self._settle(other, deadline)
                self._ask(other, some, deadline)
                rest.update(self._received(other, deadline))
            again = rest

    def _ask(self, line: Line, some: list[Delivery], deadline: float) -> None:
        self._under_way[line] = some
        request = producing(self._name, REPLICAS_MS, [(one.place, one.batch) for one in some])
        try:
            line.send(request, _answered_by(deadline))
        except KafkaError as error:
            self._all_failed(error)
            raise

    def _received(self, line: Line, deadline: float) -> dict[Delivery, Exception]:
        """Return what of a request has to be sent again, and why; nothing where none is under way."""
        if line not in self._under_way:
            return {}
        try:
            answer = line.receive(_answered_by(deadline))
        except KafkaError as error:
            self._all_failed(error)
            raise
        by_place = {one.place: one for one in self._under_way.pop(line)}
        again = {}
        for said in written(answer):
            one = by_place.pop(said.place)
            if not said.code:
                one.delivered(said.offset)
                continue
            refusal = for_code(said.code)(f"{said.place.topic}:{said.place.partition} {said.detail}".rstrip())
            if isinstance(refusal, RetriableError):
                again[one] = refusal
            else:
                one.failed(refusal)
        for one in by_place.values():
            one.failed(KafkaError("a broker did not say what became of a batch"))
        return again

    def _all_failed(self, error: KafkaError) -> None:
        for some in self._under_way.values():
            for one in some:
                one.failed(error)
        self._under_way.clear()

    def _by_line(self, some: Sequence[Delivery]) -> dict[Line, list[Delivery]]:
        lines: dict[Line, list[Delivery]] = {}
        for one in some:
            lines.setdefault(self._lines.to_leader(one.place), []).append(one)
        return lines


def _answered_by(deadline: float) -> float:
    """Return when an answer has to be there: also of what is sent just before a deadline, or the line would break.

    All of them have to by one moment, however many lines are waited for one after the other.
    """
    return min(deadline, time.monotonic()) + REQUEST_MS / 1000


def _in_requests(some: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    """Yield requests of at most ``REQUEST_BYTES`` or one batch, with no partition twice."""
    request: list[Delivery] = []
    places: set[TopicPartition] = set()
    size = 0
    for one in some:
        if request and (size + len(one.batch) > REQUEST_BYTES or one.place in places):
            yield request
            request, places, size = [], set(), 0
        request.append(one)
        places.add(one.place)
        size += len(one.batch)
    if request:
        yield request
