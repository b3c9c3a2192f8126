"""A consumer that hangs is told from one that has nothing to bring."""

from __future__ import annotations

from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError
from kafka.structs import TopicPartition

from pipeline.runtime.transactional.standstill import LOOK_SECONDS, PLACE_SECONDS, ConsumerHangsError, Standstill
from tests.unit.fake_kafka import FakeConsumer

ZERO, ONE = TopicPartition("input", 0), TopicPartition("input", 1)
WAITS = "input:0 at 100 of 101, for 10 s"


class Bench:
    """A consumer of two partitions, and a clock that goes on at every look."""

    def __init__(self, **fields: Any) -> None:
        self.now = 0.0
        self.consumer = FakeConsumer([], assigned={ZERO, ONE}, **fields)
        self.standstill = Standstill(lambda: self.now)

    def look(self, seconds: float = LOOK_SECONDS) -> None:
        """Look after so many seconds without a record."""
        self.now += seconds
        self.standstill.look(self.consumer)

    def told_of_what_waits(self) -> str:
        """Let something wait from now on, and return what is told of it ten seconds after it was seen, not before."""
        self.consumer.positions, self.consumer.ends = {ZERO: 100, ONE: 100}, {ZERO: 101, ONE: 100}
        self.look()
        with pytest.raises(ConsumerHangsError) as told:
            self.look()
        return str(told.value)


def test_what_waits_twice_at_the_same_position_was_not_brought() -> None:
    """The error names the partition and what it lacks."""
    bench = Bench(positions={ZERO: 7, ONE: 9}, ends={ZERO: 8, ONE: 9})
    bench.look()
    with pytest.raises(ConsumerHangsError, match="input:0 at 7 of 8"):
        bench.look()


def test_nothing_is_asked_before_it_is_due() -> None:
    """A question every ten seconds, however often a poll brings nothing."""
    bench = Bench(positions={ZERO: 7, ONE: 9}, raises={"position": [KafkaTimeoutError()]})
    for _ in range(9):
        bench.look(1)
    assert bench.consumer.raises["position"]


@pytest.mark.parametrize(
    ("positions", "ends"),
    [({ZERO: 7, ONE: 9}, {ZERO: 7, ONE: 9}), ({ZERO: 7}, {ZERO: 7, ONE: 9}), ({}, {})],
    ids=["all was read", "no position yet", "nothing known"],
)
def test_who_has_read_all_does_not_hang(positions: dict[Any, int], ends: dict[Any, int]) -> None:
    """A quiet topic may be quiet for ever."""
    bench = Bench(positions=positions, ends=ends)
    for _ in range(5):
        bench.look()
    assert WAITS in bench.told_of_what_waits()


def test_a_position_that_moves_is_progress() -> None:
    """Over markers and aborted records, of which a poll brings nothing."""
    bench = Bench(positions={ZERO: 7, ONE: 9}, ends={ZERO: 99, ONE: 9})
    for position in range(8, 12):
        bench.look()
        bench.consumer.positions[ZERO] = position
    assert WAITS in bench.told_of_what_waits()


def test_what_came_of_others_does_not_hide_it() -> None:
    """One partition that is dead beside one that is busy would else never be noticed."""
    bench = Bench(positions={ZERO: 7, ONE: 9}, ends={ZERO: 8, ONE: 99})
    for position in range(10, 16):
        bench.look()
        bench.consumer.positions[ONE] = position
        bench.standstill.came()
    with pytest.raises(ConsumerHangsError, match="input:0 at 7 of 8, for 60 s"):
        bench.look()


def test_a_known_reason_begins_the_wait_anew() -> None:
    """Such as another membership."""
    bench = Bench(positions={ZERO: 7, ONE: 9}, ends={ZERO: 99, ONE: 9})
    for _ in range(4):
        bench.look()
        bench.standstill.moved()
    assert WAITS in bench.told_of_what_waits()


@pytest.mark.parametrize("step", ["position", "end_offsets"])
def test_a_cluster_that_does_not_answer_is_no_hang(step: str) -> None:
    """While brokers are away nobody can tell, and a new consumer would bring nothing either."""
    errors: list[BaseException] = [KafkaTimeoutError() for _ in range(4)]
    bench = Bench(positions={ZERO: 7, ONE: 9}, ends={ZERO: 99, ONE: 9}, raises={step: errors})
    for _ in range(4):
        bench.look()
    assert not errors


def test_who_never_gets_a_place_hangs() -> None:
    """Longer than any rebalance takes; told once, so that what takes its place has as long."""
    bench = Bench()
    bench.standstill.has_no_place()
    bench.now += PLACE_SECONDS - 1
    bench.standstill.has_no_place()
    bench.now += 1
    with pytest.raises(ConsumerHangsError, match="no place in its group for 330 s"):
        bench.standstill.has_no_place()
    bench.standstill.has_no_place()
    bench.now += PLACE_SECONDS - 1
    bench.standstill.has_no_place()


def test_a_place_now_and_then_is_one() -> None:
    """A group that others join and leave all the time gives everybody a place in between."""
    bench = Bench()
    for _ in range(3):
        bench.standstill.has_no_place()
        bench.look(PLACE_SECONDS)
    bench.standstill.has_no_place()
    bench.now += PLACE_SECONDS
    with pytest.raises(ConsumerHangsError, match="no place in its group for 330 s"):
        bench.standstill.has_no_place()
