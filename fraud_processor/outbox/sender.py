"""Sends what waits in the outbox, an outlet each: by a thread of its own, that never holds up the stream."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from fraud_processor.cases import reading
from fraud_processor.outbox import box
from fraud_processor.outbox.digest import SHOWN, encoded, message_of
from fraud_processor.outbox.notices import is_due, take_due
from fraud_processor.outlets.outlet import OutletError
from pipeline.contracts.tracecontext import decoded
from pipeline.runtime.clock import now_us
from pipeline.runtime.database.engine import begun
from pipeline.runtime.tracing.tracer import CLIENT
from pipeline.runtime.transactional.effects import EffectsError
from pipeline.runtime.vitals import Figure, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from fraud_processor.outbox.box import Letter
    from fraud_processor.outlets.outlet import Outlet
    from pipeline.runtime.tracing.tracer import Tracer

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
AT_ONCE: Final = 20  # messages made in one transaction of the database
# Longer than any outlet takes: what is under way is not sent by another process, too.
LEASE_US: Final = 30_000_000
FIRST_WAIT_SECONDS: Final = 1.0
LONGEST_WAIT_SECONDS: Final = 60.0
WARN_SECONDS: Final = 60.0
KEPT_US: Final = 30 * 86_400_000_000  # what was sent, for people to look at
END_SECONDS: Final = 15.0  # what is under way may take that long


class Sender:
    """Makes the messages of one outlet as they fall due, and sends them until they have arrived.

    Of a case at most one message in ``interval_us``. At most ``limit`` messages wait: what else there is to tell stays
    a notice, and is told together once there is room.
    """

    def __init__(
        self, engine: Engine, outlet: Outlet, interval_us: int, limit: int, tracer: Tracer | None = None
    ) -> None:
        self._engine, self._outlet = engine, outlet
        self._tracer = tracer
        self._interval_us, self._limit = interval_us, limit
        self._wait_seconds = FIRST_WAIT_SECONDS
        self._warned = self._pruned = float("-inf")
        self._full = False
        self._waiting = self._sent = self._failed = 0

    def figures(self) -> Iterator[Figure]:
        """Return what waits, and what became of the rest; for another thread."""
        labels = (self._outlet.name,)
        yield Figure(metrics.OUTBOX_WAITING, self._waiting, labels)
        yield Figure(metrics.OUTBOX_LIMIT, self._limit, labels)
        yield Figure(metrics.OUTBOX_SENT, self._sent, labels)
        yield Figure(metrics.OUTBOX_FAILED, self._failed, labels)

    def look(self) -> float:
        """Do what there is to do, and return how many seconds there is nothing."""
        try:
            if not self._is_due():
                return LOOK_SECONDS
            self._make()
            return self._send()
        except EffectsError as error:
            self._warn(f"the database of cases does not answer: {error}")
            return self._longer()

    def _is_due(self) -> bool:
        """Tell whether there is anything to do, without keeping anybody from writing: nearly always there is not."""
        name, at_us = self._outlet.name, now_us()
        with begun(self._engine, reading=True) as connection:
            self._waiting = box.waiting(connection, name)
            due = box.is_due(connection, name, at_us) or is_due(connection, name, at_us)
        self._full = self._full and self._waiting >= self._limit
        return due or time.monotonic() - self._pruned > WARN_SECONDS

    def _make(self) -> None:
        """Make the messages that are due, as far as there is room for them."""
        name, at_us = self._outlet.name, now_us()
        with begun(self._engine) as connection:
            self._waiting = box.waiting(connection, name)
            room = self._limit - self._waiting
            for due in take_due(connection, name, at_us, self._interval_us, max(0, min(room, AT_ONCE))):
                case = reading.case(connection, due.case_id)
                if case is not None:
                    latest = reading.alerts(connection, due.case_id, most=SHOWN)
                    message = message_of(case, latest, due.messages + 1, due.told)
                    trace = None if self._tracer is None else reading.trace(connection, due.case_id, SHOWN)
                    box.queue(connection, name, message.id, encoded(message).decode(), at_us, trace)
            self._prune(connection, at_us)
        if room <= 0 and not self._full:
            logger.warning("%s messages wait for %s: what else there is is told together later", self._limit, name)
        self._full = room <= 0

    def _send(self) -> float:
        name = self._outlet.name
        with begun(self._engine) as connection:
            letter = box.claim(connection, name, now_us(), LEASE_US)
        if letter is None:
            return LOOK_SECONDS
        try:
            with self._span(letter):
                self._outlet.send(letter.key, letter.body)
        except OutletError as error:
            self._failed += 1
            pause = self._longer()
            with begun(self._engine) as connection:
                box.failed(connection, letter, now_us() + int(pause * 1_000_000), str(error))
            self._warn(f"{name} did not take message {letter.key} ({error}), try {letter.attempts}; trying again")
            return pause
        with begun(self._engine) as connection:
            box.sent(connection, letter, now_us())
        self._sent += 1
        if self._wait_seconds > FIRST_WAIT_SECONDS:
            logger.info("%s takes messages again", name)
        self._wait_seconds = FIRST_WAIT_SECONDS
        return 0.0

    @contextmanager
    def _span(self, letter: Letter) -> Iterator[None]:
        """Tell of a try, where it is a part of a trace."""
        parent = None if letter.trace is None else decoded(letter.trace)
        if self._tracer is None or parent is None:
            yield
            return
        about: dict[str, str | int] = {"fraud.message": letter.key, "fraud.attempt": letter.attempts}
        span = self._tracer.begin(f"notify {self._outlet.name}", CLIENT, parent, about)
        try:
            yield
        except OutletError as error:
            span.failed(str(error))
            raise
        finally:
            span.end()

    def _longer(self) -> float:
        pause, self._wait_seconds = self._wait_seconds, min(self._wait_seconds * 2, LONGEST_WAIT_SECONDS)
        return pause

    def _prune(self, connection: Connection, at_us: int) -> None:
        if time.monotonic() - self._pruned > WARN_SECONDS:
            self._pruned = time.monotonic()
            box.forget(connection, self._outlet.name, at_us - KEPT_US)

    def _warn(self, told: str) -> None:
        if time.monotonic() - self._warned > WARN_SECONDS:
            self._warned = time.monotonic()
            logger.warning(told)


class Looks(Protocol):
    """Does something when it is time for it."""

    def look(self) -> float:
        """Do what there is to do, and return how many seconds there is nothing."""
        ...


class Senders:
    """The threads of all outlets, and of what else there is to look after; ``told`` are those that hear of cases."""

    def __init__(self, told: Sequence[Looks], others: Sequence[Looks] = ()) -> None:
        self._ended = threading.Event()
        senders = [*told, *others]
        self._wakes = [threading.Event() for _ in senders]
        self._told = self._wakes[: len(told)]
        self._threads = [
            threading.Thread(target=self._live, args=(sender, wake), name="outbox", daemon=True)
            for sender, wake in zip(senders, self._wakes, strict=True)
        ]

    def start(self) -> None:
        """Begin to send, also what a process before us has left."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Say that there may be something new for anybody."""
        for wake in self._wakes:
            wake.set()

    def grown(self) -> None:
        """Say that cases have new alerts, which concerns nobody but those who hear of cases."""
        for wake in self._told:
            wake.set()

    def end(self) -> None:
        """Stop, once what is under way is decided; what waits is sent by the next process."""
        self._ended.set()
        self.wake()
        deadline = time.monotonic() + END_SECONDS
        for thread in filter(threading.Thread.is_alive, self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _live(self, sender: Looks, wake: threading.Event) -> None:
        while not self._ended.is_set():
            wake.clear()
            try:
                pause = sender.look()
            except Exception:
                logger.exception("sending failed in a way that nobody thought of; trying again")
                pause = LONGEST_WAIT_SECONDS
            if pause > LOOK_SECONDS:
                self._ended.wait(pause)  # an outlet that is away is not tried for each new alert
            elif pause:
                wake.wait(pause)
