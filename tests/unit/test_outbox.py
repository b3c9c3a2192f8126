"""Everybody who is to be told of a case is told: at once, then no more than once an interval, and nothing is lost."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select, update

from fraud_processor.cases.alert import Alert
from fraud_processor.cases.states import CONFIRMED
from fraud_processor.outbox import sender as sender_module
from fraud_processor.outbox.left_behind import warn_of_what_is_left_behind
from fraud_processor.outbox.sender import LONGEST_WAIT_SECONDS, Sender, Senders
from fraud_processor.outlets.outlet import OutletError
from fraud_processor.outlets.signed import SignedOutlet
from pipeline.contracts.cases import CASES, NOTICES, OUTBOX
from tests.support.case_files import cases_in, opened
from tests.support.eventually import eventually
from tests.support.receivers import receiving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from fraud_processor.cases.store import Cases

MINUTE_US = 60_000_000
OUTLET = "outlet"


class Taking:
    """An outlet that keeps what it is sent; while it is ``away`` it takes nothing."""

    def __init__(self, name: str = OUTLET) -> None:
        self.name = name
        self.away = False
        self.taken: list[tuple[str, dict[str, object]]] = []
        self.tries = 0

    def send(self, key: str, body: str) -> None:
        """See :class:`~fraud_processor.outlets.outlet.Outlet`."""
        self.tries += 1
        if self.away:
            raise OutletError("away")
        self.taken.append((key, json.loads(body)))


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now_us = 1_764_000_000_000_000

    def __call__(self) -> int:
        """Return microseconds since 1970."""
        return self.now_us


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Provide the clock of senders."""
    clock = Clock()
    monkeypatch.setattr(sender_module, "now_us", clock)
    return clock


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Provide a database without cases."""
    with opened(f"sqlite:///{tmp_path / 'cases.sqlite'}") as made:
        yield made


class Stream:
    """Frauds, as they come from one partition."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._offset = 0

    def put(self, *accounts: str, severity: int = 2) -> None:
        """Save a batch of frauds, an account each."""
        alerts = [
            Alert(
                partition=0,
                offset=self._offset + number,
                subject=json.dumps({"source": account}),
                transaction_id=f"t{self._offset + number}",
                source=account,
                target="B",
                amount="1.00",
                currency="EUR",
                time_us=0,
                severity=severity,
                score=100,
                hits=[],
                content=b"{}",
            )
            for number, account in enumerate(accounts)
        ]
        before = {0: self._offset} if self._offset else {}
        self._offset += len(accounts)
        self._cases.save(before, {0: self._offset}, alerts)


def stream_of(engine: Engine, **floors: int) -> Stream:
    """Return frauds that outlets are told of."""
    return Stream(cases_in(engine, floors=floors or {OUTLET: 0}))


def sender_of(engine: Engine, outlet: Taking, limit: int = 100) -> Sender:
    """Return what sends to an outlet, a message a case in fifteen minutes."""
    return Sender(engine, outlet, 15 * MINUTE_US, limit)


def look(sender: Sender, times: int = 10) -> None:
    """Let a sender do what there is to do."""
    for _ in range(times):
        sender.look()


def told(outlet: Taking) -> list[tuple[str, object, object]]:
    """Return the keys of what was taken, each with how much was new, and how much there was."""
    return [(key, body["new"], body["alerts"]) for key, body in outlet.taken]


def test_a_case_is_told_at_once_and_then_once_an_interval(engine: Engine, clock: Clock) -> None:
    """With what came meanwhile, and not at all where nothing came."""
    stream, outlet = stream_of(engine), Taking()
    sender = sender_of(engine, outlet)
    stream.put("A", "A")
    stream.put("B")
    look(sender)
    assert told(outlet) == [("case-1-1", 2, 2), ("case-2-1", 1, 1)]
    for _ in range(4):
        stream.put("A", "A")
        look(sender)
    assert len(outlet.taken) == 2
    clock.now_us += 15 * MINUTE_US
    look(sender)
    assert told(outlet)[2:] == [("case-1-2", 8, 10)]
    clock.now_us += 15 * MINUTE_US
    look(sender)
    assert len(outlet.taken) == 3


def test_an_outlet_that_is_away_is_sent_the_same_again(engine: Engine, clock: Clock) -> None:
    """Under the same key, with growing waits; other outlets do not wait for it."""
    stream = stream_of(engine, away=0, there=0)
    away, there = Taking("away"), Taking("there")
    away.away = True
    senders = [sender_of(engine, outlet) for outlet in (away, there)]
    stream.put("A")
    pauses = []
    for _ in range(10):
        pauses.append(senders[0].look())
        clock.now_us += int(pauses[-1] * 1_000_000)
        senders[1].look()
    assert pauses[:7] == [1, 2, 4, 8, 16, 32, LONGEST_WAIT_SECONDS]
    assert (away.taken, away.tries, told(there)) == ([], 10, [("case-1-1", 1, 1)])
    away.away = False
    look(senders[0])
    assert told(away) == [("case-1-1", 1, 1)]


def test_a_full_outbox_holds_back_and_loses_nothing(
    engine: Engine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """What there was no room for is told once there is, each case in one message."""
    stream, outlet = stream_of(engine), Taking()
    outlet.away = True
    sender = sender_of(engine, outlet, limit=3)
    for _ in range(2):
        stream.put(*"ABCDEFGH")
        for _ in range(5):
            sender.look()
            clock.now_us += MINUTE_US
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(OUTBOX)).scalar_one() == 3
        assert connection.execute(select(func.count()).where(NOTICES.c.waits)).scalar_one() == 8
    assert caplog.text.count("3 messages wait for outlet") == 1
    outlet.away = False
    for _ in range(40):
        sender.look()
        clock.now_us += MINUTE_US
    assert sum(new for _, new, _ in told(outlet)) == 16  # type: ignore[misc]
    assert len(outlet.taken) == 11  # three had been made before the second batch came
    assert len({key for key, _, _ in told(outlet)}) == 11


def test_only_what_is_bad_enough_is_told(engine: Engine, clock: Clock) -> None:
    """A case that gets worse is told of then, with all that it has."""
    outlet = Taking()
    stream = stream_of(engine, outlet=3)
    sender = sender_of(engine, outlet)
    stream.put("A", severity=2)
    look(sender)
    assert outlet.taken == []
    stream.put("A", severity=3)
    look(sender)
    assert told(outlet) == [("case-1-1", 2, 2)]
    assert clock.now_us


def test_of_a_case_that_is_resolved_nothing_more_is_told(engine: Engine, clock: Clock) -> None:
    """Whoever resolved it has seen it."""
    stream, outlet = stream_of(engine), Taking()
    stream.put("A")
    with engine.begin() as connection:
        connection.execute(update(CASES).values(state=CONFIRMED))
    look(sender_of(engine, outlet))
    assert outlet.taken == []
    assert clock.now_us


def test_what_a_killed_process_had_under_way_is_sent_again_by_another(engine: Engine, clock: Clock) -> None:
    """Once its time is up, under the same key; not before."""
    stream, outlet = stream_of(engine), Taking()

    class Killed(Taking):
        def send(self, key: str, body: str) -> None:
            super().send(key, body)
            raise KeyboardInterrupt

    first = Killed()
    stream.put("A")
    with pytest.raises(KeyboardInterrupt):
        sender_of(engine, first).look()
    look(sender_of(engine, outlet))
    assert outlet.taken == []
    clock.now_us += MINUTE_US
    look(sender_of(engine, outlet))
    assert outlet.taken == first.taken


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.lists(st.sampled_from("ABC"), min_size=1, max_size=4)),
        st.tuples(st.just("look"), st.integers(0, 1)),
        st.tuples(st.just("later"), st.sampled_from([1, 5, 16])),
        st.tuples(st.just("away"), st.booleans()),
    ),
    max_size=30,
)


@given(EVENTS, st.integers(1, 4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
def test_in_the_end_every_alert_was_told_once(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, object]], limit: int
) -> None:
    """By two processes with one outbox, whatever was away when; and never two messages of a case in an interval."""
    clock, outlet = Clock(), Taking()
    with (
        pytest.MonkeyPatch.context() as patch,
        opened(f"sqlite:///{tmp_path_factory.mktemp('c') / 'c.sqlite'}") as engine,
    ):
        patch.setattr(sender_module, "now_us", clock)
        stream = stream_of(engine)
        senders = [sender_of(engine, outlet, limit) for _ in range(2)]
        put: list[str] = []
        for what, value in events:
            if what == "put":
                stream.put(*value)  # type: ignore[misc]
                put += value  # type: ignore[arg-type]
            elif what == "look":
                senders[value].look()  # type: ignore[call-overload]
            elif what == "later":
                clock.now_us += value * MINUTE_US  # type: ignore[operator]
            else:
                outlet.away = bool(value)
        outlet.away = False
        for _ in range(20):
            clock.now_us += 4 * MINUTE_US
            for sender in senders:
                look(sender, 4)
        with engine.connect() as connection:
            queued = connection.execute(select(OUTBOX.c.key, OUTBOX.c.queued_at).order_by(OUTBOX.c.id)).all()
    assert len({key for key, _ in outlet.taken}) == len(outlet.taken)
    for account in set(put):
        mine = [body for _, body in outlet.taken if body["subject"] == {"source": account}]
        assert sum(body["new"] for body in mine) == put.count(account)  # type: ignore[misc]
        numbers = {str(body["case"]) for body in mine}
        times = [at for key, at in queued if key.split("-")[1] in numbers]
        assert all(later - earlier >= 15 * MINUTE_US for earlier, later in pairwise(times))


def test_a_webhook_that_was_away_gets_every_case(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the thread and by real HTTP: it answers 500, and comes back; the stream does not wait for it."""
    monkeypatch.setattr(sender_module, "FIRST_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(sender_module, "LONGEST_WAIT_SECONDS", 0.2)
    with receiving() as receiver:
        outlet = SignedOutlet(f"http://{receiver.address}/", b"k" * 24)
        senders = Senders([Sender(engine, outlet, MINUTE_US, 10)])
        stream = stream_of(engine, **{outlet.name: 0})
        receiver.status = 500
        senders.start()
        begun = time.monotonic()
        for account in "ABCDE":
            stream.put(account)
            senders.wake()
        assert time.monotonic() - begun < 30
        eventually(lambda: len(receiver.requests) >= 3, 60, "tries")
        refused = {request.headers["Idempotency-Key"] for request in receiver.requests}
        receiver.status = 200
        with engine.connect() as connection:
            waiting = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.sent_at.is_(None))

            def arrived() -> bool:
                count = connection.execute(waiting).scalar_one()
                connection.rollback()
                return len(receiver.requests) > 5 and count == 0

            eventually(arrived, 60, "all of it to arrive")
        senders.end()
        keys = {request.headers["Idempotency-Key"] for request in receiver.requests}
    assert keys == {f"case-{number}-1" for number in range(1, 6)}
    assert refused <= keys


def test_what_waits_for_an_outlet_that_nobody_names_is_told_at_the_start(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """A URL with a new password is another outlet: what waits for the old one would else be lost in silence."""
    old = Taking("slack-old")
    sender = Sender(engine, old, MINUTE_US, 1)
    stream = Stream(cases_in(engine, floors={old.name: 0}))
    stream.put("A", "B")
    old.away = True
    sender.look()
    warn_of_what_is_left_behind(engine, [old.name])
    assert caplog.records[1:] == []
    warn_of_what_is_left_behind(engine, ["slack-new", "labels"])
    assert "2 messages wait for slack-old, which ALERT_URLS does not name" in caplog.text


@pytest.mark.usefixtures("clock")
def test_who_has_nothing_to_send_keeps_nobody_from_writing(engine: Engine) -> None:
    """The stream saves many times a second, and would wait behind every look; what is due is sent all the same."""
    outlet = Taking()
    stream, sender = stream_of(engine), sender_of(engine, outlet)
    sender.look()  # what was sent long ago is forgotten now and then
    written: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: written.append(call[2]))
    look(sender)
    assert [one for one in written if not one.startswith(("SELECT", "BEGIN"))] == []
    assert "BEGIN IMMEDIATE" not in written
    stream.put("A")
    look(sender)
    assert told(outlet) == [("case-1-1", 1, 1)]


class Counting:
    """Something that looks, and counts how often."""

    def __init__(self) -> None:
        self.looks = 0

    def look(self) -> float:
        """See :class:`~fraud_processor.outbox.sender.Looks`."""
        self.looks += 1
        return sender_module.LOOK_SECONDS


def test_cases_that_grow_wake_those_who_hear_of_them_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels and released payments come of what people do; who did something wakes all."""
    monkeypatch.setattr(sender_module, "LOOK_SECONDS", 600.0)
    hears, other = Counting(), Counting()
    senders = Senders([hears], [other])
    senders.start()
    eventually(lambda: (hears.looks, other.looks) == (1, 1), 60, "the first look of each")
    senders.grown()
    eventually(lambda: hears.looks == 2, 60, "a look at what has grown")
    assert other.looks == 1
    senders.wake()
    eventually(lambda: (hears.looks, other.looks) == (3, 2), 60, "a look of each")
    senders.end()


def test_senders_that_never_began_can_be_ended(engine: Engine) -> None:
    """A port that is taken ends the service before they begin: its error is what has to be told."""
    senders = Senders([sender_of(engine, Taking())])
    senders.end()
    assert not any(thread.is_alive() for thread in senders._threads)  # noqa: SLF001 (nothing else tells)
