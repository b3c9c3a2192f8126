"""The generator's loop, on a clock that only its own waits move."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from generator import sending
from generator.sending import CHUNK, Sender, most_in_flight
from generator.transactions import Generated
from pipeline.contracts.moments import milliseconds_of
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.outlets import RecordOutlet
from pipeline.runtime.publisher import Publisher
from tests.unit.fake_kafka import FakeProducer

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Stop):
    """A stop whose waits move the clock and end the run once it has come to ``until``."""

    def __init__(self, until: float) -> None:
        super().__init__()
        self.now = 1_000.0
        self.until = 1_000.0 + until
        self.waits: list[float] = []
        self.beats = 0

    def monotonic(self) -> float:
        """Tell the time; looking at it takes some."""
        self.now += 1e-5
        return self.now

    def wait(self, seconds: float) -> bool:
        """Let so much time pass."""
        self.waits.append(seconds)
        self.now += seconds
        if self.now >= self.until:
            self.request()
        return self.requested

    def beat(self) -> None:
        """Count the turns."""
        self.beats += 1


class Counting:
    """A source whose transactions are numbers, and that notes the moments it was asked for."""

    def __init__(self) -> None:
        self.made = 0
        self.moments: list[datetime] = []

    def make(self, moment: datetime, count: int) -> list[Generated]:
        """Return the next numbers."""
        self.moments += [moment] * count
        self.made += count
        return [Generated(b"k", b"%d" % number) for number in range(self.made - count + 1, self.made + 1)]


class Rig:
    """A sender on a simulated clock and a producer that delivers at once, unless ``hold`` is set."""

    def __init__(self, patch: pytest.MonkeyPatch, rate: float, until: float, count: int | None = None) -> None:
        self.clock = Clock(until)
        patch.setattr(sending, "time", SimpleNamespace(monotonic=self.clock.monotonic))
        self.producer = FakeProducer()
        self.most = 1_234
        self.publisher = Publisher(RecordOutlet(self.producer, "input"), self.most)
        self.source = Counting()
        self.sender = Sender(self.source, self.publisher, rate, count, self._turn)
        self.on_turn: Callable[[], None] = self.deliver

    def _turn(self) -> None:
        self.clock.beat()
        self.on_turn()

    def deliver(self) -> None:
        """Let the brokers acknowledge everything."""
        for future in self.producer.futures:
            future.resolve()
        self.producer.futures.clear()


@pytest.mark.parametrize(("rate", "seconds", "expected"), [(10.0, 60.0, 601), (0.1, 95.0, 10), (5_000.0, 2.0, 10_001)])
def test_the_rate_is_kept(monkeypatch: pytest.MonkeyPatch, rate: float, seconds: float, expected: int) -> None:
    """Over some time as many are sent as the rate says, slow or fast, and none twice."""
    rig = Rig(monkeypatch, rate, seconds)
    assert rig.sender.run(rig.clock) == pytest.approx(expected, rel=0.002, abs=1)
    assert [sent.value for sent in rig.producer.sent] == [b"%d" % (number + 1) for number in range(rig.source.made)]


def test_a_thousand_a_second_are_spread_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds of 1,000 a second are 10,000 transactions, two or three at a time and never a burst."""
    rig = Rig(monkeypatch, 1_000.0, 10.0)
    before: list[int] = []

    def note() -> None:
        rig.deliver()
        before.append(len(rig.producer.sent))

    rig.on_turn = note
    assert rig.sender.run(rig.clock) == pytest.approx(10_000, rel=0.001)
    assert max(after - earlier for earlier, after in pairwise(before)) <= 3


def test_what_is_held_back_is_looked_at_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a batch waits for the one before it, nobody sleeps until the next transaction is due."""
    rig = Rig(monkeypatch, 1.0, 3.0)
    held = [True, True, False]
    monkeypatch.setattr(rig.publisher, "push", lambda **_: bool(held and held.pop(0)))
    rig.sender.run(rig.clock)
    assert [round(wait, 3) for wait in rig.clock.waits[:2]] == [0.002, 0.5]


def test_exactly_the_count_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with an end sends no transaction more, however many are due at once."""
    rig = Rig(monkeypatch, 20_000.0, 3_600.0, count=1_234)
    assert rig.sender.run(rig.clock) == 1_234
    assert len(rig.producer.sent) == 1_234


def test_a_stop_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent once the end was asked for."""
    rig = Rig(monkeypatch, 10.0, 3_600.0)
    rig.clock.request()
    assert rig.sender.run(rig.clock) == 0
    assert rig.producer.sent == []


def test_the_heart_beats_however_slow_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """At one in ten seconds the loop still turns at least twice a second, and it never spins."""
    rig = Rig(monkeypatch, 0.1, 60.0)
    rig.sender.run(rig.clock)
    assert rig.clock.beats >= 120
    assert max(rig.clock.waits) <= 0.5
    assert min(rig.clock.waits) >= 0.001


def test_no_more_is_handed_over_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """While no broker answers the client's memory is bounded, and what is due waits."""
    rig = Rig(monkeypatch, 20_000.0, 3_600.0)
    turns = 0

    def hold() -> None:
        nonlocal turns
        turns += 1
        assert rig.publisher.in_flight <= rig.most
        if turns > 20:
            rig.clock.request()

    rig.on_turn = hold
    rig.clock.now += 4.0
    rig.sender.run(rig.clock)
    assert len(rig.producer.sent) == rig.most


def test_large_debts_are_paid_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between parts the heart beats and a stop is seen, however much is due at once."""
    rig = Rig(monkeypatch, 20_000.0, 3_600.0)
    before: list[int] = []

    def note() -> None:
        rig.deliver()
        before.append(len(rig.producer.sent))
        if len(before) > 10:
            rig.clock.request()

    rig.on_turn = note
    rig.clock.now += 4.0
    rig.sender.run(rig.clock)
    assert max(after - earlier for earlier, after in pairwise(before)) == CHUNK


def test_every_transaction_is_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment of a transaction is when it was made, in UTC, and the record has the same to the millisecond."""
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    rig = Rig(monkeypatch, 10.0, 1.0)
    rig.sender.run(rig.clock)
    for moment, sent in zip(rig.source.moments, rig.producer.sent, strict=True):
        assert before <= moment <= datetime.now(UTC)
        assert sent.timestamp_ms == milliseconds_of(moment)


def test_what_could_not_be_sent_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A stall beyond five seconds leaves transactions out: that is said, with how many."""
    rig = Rig(monkeypatch, 100.0, 1.0)
    rig.clock.now += 30.0
    rig.clock.until += 30.0
    with caplog.at_level(logging.INFO):
        sent = rig.sender.run(rig.clock)
    assert sent == pytest.approx(600, abs=2)
    (told,) = [line.getMessage() for line in caplog.records if line.levelno == logging.WARNING]
    assert told == "cannot keep up with 100/s: 2501 transactions were left out"


@pytest.mark.parametrize(("rate", "most"), [(0.1, 100), (10, 100), (1_000, 2_000), (1e6, 20_000)])
def test_no_more_is_under_way_than_two_seconds_bring(rate: float, most: int) -> None:
    """While the brokers are away, making more would be work for nothing; the client itself bounds nothing."""
    assert most_in_flight(rate) == most
