"""Days of the realistic scenario: habits, the day's rhythm, simulated time, and the same again from the same seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.scenarios.clock import HEAD_START, SimulatedClock, start_of
from generator.scenarios.kinds import SLEEPERS
from generator.scenarios.places import CITIES, travel_ms
from generator.scenarios.rhythm import BY_HOUR, Rhythm
from pipeline.contracts.moments import milliseconds_of
from tests.support.conditions import PURCHASES, Sent
from tests.unit.samples import TRANSFERS, record
from tests.unit.scenario_days import PACE_SECONDS, START, Made, made, next_of, source_of

TRANSACTIONS = 40_000


@pytest.fixture(scope="module")
def days() -> Made:
    """Provide some days of one seed."""
    return made(4, TRANSACTIONS)


def present(days: Made) -> list[Sent]:
    """Return what was sent since the stream began: without the history of sleepers that it opens with."""
    return days.sent[SLEEPERS:]


@given(seed=st.integers(0, 2**53), sizes=st.lists(st.integers(1, 300), min_size=1, max_size=5))
@settings(max_examples=10, deadline=None)
def test_the_same_seed_makes_the_same_bytes(seed: int, sizes: list[int]) -> None:
    """Times and labels included, however many are asked for at a time."""
    source = source_of(seed)
    assert [one for size in sizes for one in next_of(source, size)] == next_of(source_of(seed), sum(sizes))


def test_another_seed_makes_others() -> None:
    """No account and no id of one seed comes with another."""
    one, other = (made(seed, 2_000).sent for seed in (1, 2))
    assert not {sent.id for sent in one} & {sent.id for sent in other}
    assert not {sent.source for sent in one} & {sent.source for sent in other}


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_every_transaction_is_a_transfer(currency: str) -> None:
    """The codec takes all of them, with the decimals that their currency has; their key is their source."""
    for (key, value), label in next_of(source_of(5, currency=currency), 3_000):
        read = TRANSFERS.read(record(value))
        assert (read.source, read.currency) == (key.decode(), currency)
        assert read.amount > 0
        assert label is None or label.key == read.id.encode()


def test_days_have_a_rhythm(days: Made) -> None:
    """Where people live, ten times as much is paid around noon as in the dead of night."""
    berlin = ZoneInfo("Europe/Berlin")
    by_hour = Counter(
        one.time.astimezone(berlin).hour for one in present(days) if one.country == "DE" and one.channel in PURCHASES
    )
    noon, night = sum(by_hour[hour] for hour in (11, 12, 13)), sum(by_hour[hour] for hour in (2, 3, 4))
    assert noon > 10 * night
    assert noon > 100


def test_somewhere_it_is_always_day(days: Made) -> None:
    """Cities all around the earth keep the rate level: no hour of UTC has half as many as another."""
    by_hour = Counter(one.time.hour for one in present(days))
    assert max(by_hour.values()) < 2 * min(by_hour[hour] for hour in range(24))


def test_the_rhythm_follows_the_clocks_of_the_cities() -> None:
    """Half-hour zones turn the hour at half past ours."""
    (mumbai,) = [city for city in CITIES if city.zone.key == "Asia/Kolkata" and city.latitude < 20]
    rhythm = Rhythm([mumbai])
    for minute, hour in ((29, 12), (31, 13)):
        now = datetime(2026, 2, 1, 7, minute, tzinfo=UTC)
        assert rhythm.awake(milliseconds_of(now)) == [BY_HOUR[hour]]


def test_accounts_have_habits(days: Made) -> None:
    """Most purchases of an account are at a few merchants of its own, and active accounts are much more active."""
    shops: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in present(days):
        if one.channel in PURCHASES:
            shops[one.source][one.target] += 1
    regulars = {source: bought for source, bought in shops.items() if bought.total() >= 20}
    assert len(regulars) > 300
    usual = sum(sum(count for _, count in bought.most_common(12)) for bought in regulars.values())
    assert usual > 0.6 * sum(bought.total() for bought in regulars.values())
    counts = sorted((bought.total() for bought in shops.values()), reverse=True)
    assert counts[0] > 5 * counts[len(counts) // 2]


def test_wages_come_weekly_and_rents_go_monthly(days: Made) -> None:
    """Employers pay the same to the same account, seven days apart."""
    wages = defaultdict(list)
    for one in days.sent:
        if one.channel == "transfer" and "device" not in one.members:
            wages[one.source, one.target, one.amount].append(one.time)
    again = [later - earlier for times in wages.values() for earlier, later in pairwise(times)]
    assert len(wages) > 500
    assert all(gap >= timedelta(days=7) for gap in again)


def test_nobody_travels_faster_than_an_airliner_but_copies_of_cards(days: Made) -> None:
    """Between two cities passes the time of the journey, at least."""
    copied = {label.transaction_id for label in days.labels if label.kind == "impossible-travel"}
    last: dict[str, Sent] = {}
    journeys = 0
    for one in sorted(present(days), key=lambda sent: sent.time):
        if one.channel != "card_present" or one.id in copied:
            continue
        before = last.get(one.source)
        if before is not None and before.country != one.country:
            journeys += 1
            fastest = min(
                travel_ms(here, there)
                for here in CITIES
                if here.country == before.country
                for there in CITIES
                if there.country == one.country
            )
            assert one.time - before.time >= timedelta(milliseconds=fastest)
        last[one.source] = one
    assert journeys > 20


def test_time_goes_on_but_for_terminals_that_were_offline(days: Made) -> None:
    """Times are in order, except for card payments that are sent up to ten minutes late."""
    latest, late = present(days)[0].time, []
    for one in present(days):
        if one.time < latest:
            assert one.channel == "card_present"
            late.append(latest - one.time)
        latest = max(latest, one.time)
    assert 0.001 < len(late) / len(days.sent) < 0.006
    assert max(late) < timedelta(minutes=11)


def test_the_stream_opens_with_the_history_of_those_who_sleep(days: Made) -> None:
    """There is somebody to wake from the first day on."""
    history = days.sent[:SLEEPERS]
    assert [one.time for one in history] == sorted(one.time for one in history)
    assert all(timedelta(days=28) <= START - one.time <= timedelta(days=60) for one in history)
    assert min(one.time for one in present(days)) >= START


@pytest.mark.parametrize("extra", [0, 60, 3])
def test_simulated_time_keeps_its_pace_whatever_bursts_come(extra: int) -> None:
    """Frauds that come between are made up for: afterwards it is where it would be without them."""
    chance, pace_ms, count = Random(7), 1_000.0, 0  # noqa: S311 (no secret)
    clock = SimulatedClock(0, pace_ms)
    for turn in range(20_000):
        clock.tick(count, chance.random())
        count += 1 + (extra if turn % 1_000 == 0 else 0)
    assert clock.now_ms == pytest.approx(count * pace_ms, rel=0.03)


def test_time_that_runs_faster_begins_a_year_ago_on_the_same_weekday() -> None:
    """So it is not ahead of the clock for a while; in its own speed it is now, and what is wanted is taken."""
    now, wanted = datetime(2026, 11, 23, 6, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    assert start_of(None, now, 1) == now
    assert start_of(None, now, 60) == now - HEAD_START
    assert (now - HEAD_START).weekday() == now.weekday()
    assert start_of(wanted, now, 60) == wanted


def test_the_pace_of_these_tests_is_six_thousand_a_day(days: Made) -> None:
    """The numbers of the source are those of its caller."""
    passed = days.sent[-1].time - START
    assert passed.total_seconds() == pytest.approx(TRANSACTIONS * PACE_SECONDS, rel=0.05)
