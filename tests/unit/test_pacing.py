"""The generator's schedule, against a clock that is simulated step by step."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generator.pacing import LONGEST_CATCH_UP_SECONDS, Pacer

RATES = st.one_of(
    st.sampled_from([0.1, 0.5, 1.0, 3.0, 10.0, 1_000.0, 20_000.0]), st.floats(0.1, 20_000.0, allow_subnormal=False)
)
STARTS = st.floats(0, 1e7)
STEPS = st.lists(st.floats(0.0, 4.0), min_size=1, max_size=60)
STALLS = st.lists(st.floats(0.0, 4.0) | st.floats(5.0, 600.0), min_size=1, max_size=40)
HOUR = 3_600.0


def scheduled_by(pacer: Pacer, now: float) -> tuple[int, int]:
    """Return the least and the most that an exact clock has scheduled, a float's breath before and after ``now``."""
    exact = (Fraction(now) - Fraction(pacer.started)) * Fraction(pacer.rate)
    breath = Fraction(1, 10**6) * max(Fraction(1), exact / 10**4)
    return int(max(Fraction(0), exact - breath)) + 1, int(exact + breath) + 1


def bound_of(rate: float) -> int:
    """Return how much may be due at once."""
    return max(1, int(rate * LONGEST_CATCH_UP_SECONDS))


@given(RATES, STARTS, STEPS)
def test_the_average_holds_while_nothing_stalls(rate: float, started: float, steps: list[float]) -> None:
    """Asked often enough for its rate, the pacer has every transaction of the schedule sent and leaves none out."""
    pacer, now = Pacer(rate, started), started
    longest = max(bound_of(rate) - 1, 0.99) / rate
    for step in [0.0, *steps]:
        now += min(step, longest)
        pacer.took(pacer.due(now))
        least, most = scheduled_by(pacer, now)
        assert least <= pacer.sent <= most
        assert pacer.skipped == 0


@given(RATES, STARTS, STALLS)
@example(0.1, 0.0, [600.0])
@example(20_000.0, 0.0, [5.0001, 0.0, 600.0])
def test_sent_and_skipped_follow_the_schedule_through_stalls(rate: float, started: float, steps: list[float]) -> None:
    """However long nothing was asked, no more than five seconds' worth is due at once, and the rest is counted."""
    pacer, now = Pacer(rate, started), started
    for step in steps:
        now += step
        before, due = pacer.skipped, pacer.due(now)
        assert 0 <= due <= bound_of(rate)
        assert pacer.skipped >= before
        assert pacer.skipped == before or due == bound_of(rate)
        pacer.took(due)
        least, most = scheduled_by(pacer, now)
        assert least <= pacer.sent + pacer.skipped <= most


@given(RATES, STALLS, st.lists(st.integers(0, 500), min_size=1, max_size=40))
def test_a_slow_sender_is_told_the_rest_again(rate: float, steps: list[float], takes: list[int]) -> None:
    """What was due and not taken stays due, within the bound, and nothing is told twice."""
    pacer, now = Pacer(rate, 0.0), 0.0
    for step, take in zip(steps, takes, strict=False):
        now += step
        due = pacer.due(now)
        taken = min(due, take)
        pacer.took(taken)
        assert pacer.due(now) == due - taken


@given(RATES, STARTS, st.integers(1, 50))
def test_waiting_as_long_as_told_makes_the_next_one_due(rate: float, started: float, count: int) -> None:
    """Nobody wakes early again and again, and nobody oversleeps by more than a float's breath."""
    pacer, now = Pacer(rate, started), started
    for _ in range(count):
        wait = pacer.seconds_until_due(now)
        assert 0 <= wait <= 1 / rate + 1e-6
        now += wait + 1e-6
        due = pacer.due(now)
        assert due >= 1
        pacer.took(due)


def test_something_is_due_at_once() -> None:
    """The first transaction is sent at the start, not one interval later."""
    pacer = Pacer(0.1, 1_000.0)
    assert pacer.seconds_until_due(1_000.0) == 0
    assert pacer.due(1_000.0) == 1


def test_one_in_ten_seconds_comes_every_ten_seconds() -> None:
    """At a rate of 0.1 the moments are 0, 10, 20 and so on, on a clock that ticks ten times a second."""
    pacer, moments = Pacer(0.1, 0.0), []
    for tick in range(1_001):
        due = pacer.due(tick / 10)
        moments += [tick / 10] * due
        pacer.took(due)
    assert moments == [pytest.approx(10.0 * number, abs=0.11) for number in range(11)]
    assert pacer.skipped == 0


@pytest.mark.parametrize("rate", [0.1, 0.3, 7.0, 99.9, 20_000.0])
def test_ten_hours_do_not_drift(rate: float) -> None:
    """After ten hours of uneven steps the count is what the rate says, to one transaction."""
    pacer, started = Pacer(rate, 12_345.678), 12_345.678
    step, now = 0.7310585, 12_345.678
    while now - started < 10 * HOUR:
        now += step
        pacer.took(pacer.due(now))
    assert pacer.skipped == 0
    assert abs(pacer.sent - (now - started) * rate) <= 1.001


def test_a_stall_is_made_up_to_five_seconds_and_counted_beyond() -> None:
    """A minute of silence at 100 a second leaves 500 to send at once and 5,501 that never will be."""
    pacer = Pacer(100.0, 0.0)
    assert pacer.due(60.0) == 500
    assert pacer.skipped == 5_501
    pacer.took(500)
    assert pacer.due(60.0) == 0
    assert pacer.seconds_until_due(60.0) == pytest.approx(0.01)
    assert pacer.due(61.0) == 100


def test_a_slow_rate_makes_up_one_after_a_stall() -> None:
    """Five seconds' worth of one in ten seconds is none: at least one is due all the same."""
    pacer = Pacer(0.1, 0.0)
    pacer.took(pacer.due(0.0))
    assert pacer.due(HOUR) == 1
    pacer.took(1)
    assert pacer.sent + pacer.skipped == 361
    assert pacer.due(HOUR + 9.9) == 0
    assert pacer.due(HOUR + 10.1) == 1


def test_a_clock_that_stands_makes_nothing_due() -> None:
    """Asking again at the same moment yields nothing more."""
    pacer = Pacer(20_000.0, 5.0)
    pacer.took(pacer.due(5.1))
    assert [pacer.due(5.1) for _ in range(3)] == [0, 0, 0]
