"""What the dashboard makes of rows: figures against counting by hand, and pages that never miss one unsaid."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.live import hub as hub_module
from dashboard.live.fold import SECONDS, Fold, Judged
from dashboard.live.hub import CAUGHT_UP_ROWS, QUEUED, SHOWN_A_TICK, Event, Hub, Page, TooManyError
from dashboard.live.recent import Filter, Recent, heard, told
from dashboard.live.row import BRANCHES, DEAD_LETTER, FRAUD, LEGIT, MAX_FIELD, Reason, Row, row_of
from pipeline.contracts.codec import with_verdict
from pipeline.contracts.messages import SHADOW, Hit, Verdict
from tests.unit.samples import TRANSFERS, record, transfer

NOW_MS = 1_795_445_000_000  # in the middle of a day
ROWS = st.builds(
    lambda branch, back_s, amount, rules: row(branch, at_ms=NOW_MS - back_s * 1000, amount=amount, rules=rules),
    st.sampled_from(BRANCHES),
    st.integers(-5, SECONDS + 100),
    st.sampled_from(["0.10", "99.99"]),
    st.lists(st.sampled_from(["a", "b"]), max_size=2),
)


def row(branch: str = LEGIT, *, at_ms: int = NOW_MS, rules: list[str] | None = None, **changes: Any) -> Row:
    """Return a row."""
    members: dict[str, Any] = {
        "topic": branch,
        "partition": 0,
        "offset": 0,
        "amount": "1.00",
        "currency": "EUR",
        "source": "A",
        "target": "B",
        "reasons": [Reason(rule, "why") for rule in rules or ()],
        **changes,
    }
    return Row(branch=branch, at_ms=at_ms, **members)


@given(st.lists(ROWS, max_size=40))
def test_figures_are_those_of_the_last_quarter_of_an_hour(rows: list[Row]) -> None:
    """Against counting by hand; what says that it is of the future counts as of now."""
    fold = Fold()
    for one in rows:
        fold.take(one, NOW_MS, live=False)
    now = NOW_MS // 1000
    ages = [(one, max(0, now - one.at_ms // 1000)) for one in rows]
    within = [one for one, age in ages if age < SECONDS]
    minute = [one for one, age in ages if age <= 60]
    glance = fold.glance(NOW_MS)
    assert glance.counts == {branch: sum(one.branch == branch for one in within) for branch in BRANCHES}
    assert glance.per_second == sum(1 <= age <= 10 for _, age in ages) / 10
    assert glance.fraud_share == (sum(one.branch == FRAUD for one in minute) / len(minute) if minute else None)
    frauds = [one for one in rows if one.branch == FRAUD]
    assert glance.stopped == (
        {"EUR": str(sum((Decimal(one.amount or 0) for one in frauds), Decimal(0)))} if frauds else {}
    )
    by_rule = Counter(rule for one in within if one.branch == FRAUD for rule in {why.rule for why in one.reasons})
    assert glance.rules == dict(sorted(by_rule.items(), key=lambda one: (-one[1], one[0])))
    history = {point.at: point for point in fold.history(NOW_MS)}
    assert len(history) == SECONDS - 1
    for at, point in history.items():
        assert point.legit == sum(one.branch == LEGIT and one.at_ms // 1000 == at for one in rows)


@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=200))
def test_latencies_are_right_within_five_per_cent(latencies: list[int]) -> None:
    """Of what is live; what is read up on has none."""
    fold = Fold()
    for latency_ms in latencies:
        fold.take(row(at_ms=NOW_MS - latency_ms), NOW_MS, live=True)
        fold.take(row(at_ms=NOW_MS - 123), NOW_MS, live=False)
    ordered = sorted(latencies)
    for share, found in ((0.5, fold.glance(NOW_MS).p50_ms), (0.99, fold.glance(NOW_MS).p99_ms)):
        exact = ordered[-(-len(ordered) * int(share * 100) // 100) - 1]
        assert found is not None
        assert max(1, exact) * 0.95 <= found <= max(1, exact) * 1.06


def test_what_is_stopped_begins_anew_at_midnight() -> None:
    """Of UTC; a fraud of yesterday that comes late is not of today."""
    fold, midnight_ms = Fold(), NOW_MS // 86_400_000 * 86_400_000 + 86_400_000
    fold.take(row(FRAUD, at_ms=midnight_ms - 1000), midnight_ms - 500, live=True)
    assert fold.glance(midnight_ms - 1).stopped == {"EUR": "1.00"}
    assert fold.glance(midnight_ms).stopped == {}
    fold.take(row(FRAUD, at_ms=midnight_ms - 1000), midnight_ms + 5, live=True)
    fold.take(row(FRAUD, at_ms=midnight_ms + 1), midnight_ms + 5, live=True)
    assert fold.glance(midnight_ms + 10).stopped == {"EUR": "1.00"}


def test_what_judged_the_latest_fraud_is_known() -> None:
    """By record time, since partitions come in any order; it is no matter how long ago that was."""
    fold = Fold()
    assert fold.judged is None
    for version, back_ms in (("old", 9_000_000), ("new", 5), ("old", 10)):
        fold.take(row(FRAUD, at_ms=NOW_MS - back_ms, ruleset=version), NOW_MS, live=True)
    assert fold.judged == Judged("new", NOW_MS - 5)


def test_a_row_is_text_whatever_its_fields_are() -> None:
    """Cut and printable; the reasons are those that counted, and what cannot be read says why."""
    nasty = "<img src=x onerror=alert(1)>\x1b[31m\u202e"
    hits = [
        Hit(rule="r", severity="high", score=100, message=nasty, values={}),
        Hit(rule="tried", severity="high", score=100, message="m", values={}, standing=SHADOW),
    ]
    value = with_verdict(transfer(source=nasty, target="x" * 200), Verdict(ruleset="v", score=100, hits=hits))
    found = row_of(record(value), FRAUD, TRANSFERS)
    assert found.ruleset == "v"
    assert found.source is not None
    assert found.source.isprintable()
    assert len(found.target or "") == MAX_FIELD + 1
    assert [(why.rule, why.message.isprintable()) for why in found.reasons] == [("r", True)]
    broken = row_of(record(b"{}"), LEGIT, TRANSFERS)
    assert (broken.id, broken.reasons[0].rule) == (None, "missing-member")
    letter = row_of(record(b"\xff", headers=(("pipeline.reason", b"not-json"),)), DEAD_LETTER, TRANSFERS)
    assert [why.rule for why in letter.reasons] == ["not-json"]


def test_positions_are_an_id_and_back() -> None:
    """What is none of ours is as if there were none."""
    positions = {("b", 1): 7, ("a", 0): 2}
    assert heard(told(positions.items())) == positions
    for text in (None, "", "nonsense", "[1]", '[["a","0",1]]', "[" * 100_000):
        assert heard(text) is None


class Clock:
    """Milliseconds since 1970, as they are set."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        """Return them."""
        return self.now_ms


def hub_of(clock: Clock) -> Hub:
    """Return a hub that tells nothing beside what comes."""
    return Hub(lambda: {"lags": {}, "connected": True}, clock)


def drained(page: Page, name: str = "rows") -> list[dict[str, Any]]:
    """Return what was queued for a page, of one name."""
    found: list[Event] = []
    while not page.queue.empty():
        found.append(page.queue.get_nowait())
    return [json.loads(event.data) for event in found if event.name == name]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("rows"), st.lists(st.sampled_from(BRANCHES), min_size=1, max_size=12)),
            st.tuples(st.just("tick"), st.integers(0, 1500)),
            st.tuples(st.just("read"), st.none()),
        ),
        max_size=40,
    )
)
def test_every_row_is_shown_or_counted(steps: list[tuple[str, Any]]) -> None:
    """By a page that reads now and then, however far behind it is; and no more than a tick may show."""
    clock = Clock()
    hub = hub_of(clock)
    page = hub.open(Filter())
    put: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    offset = 0

    def read() -> None:
        for batch in drained(page):
            assert len(batch["rows"]) <= SHOWN_A_TICK
            seen.update(one["branch"] for one in batch["rows"])
            seen.update(batch["more"])

    for what, value in steps:
        if what == "rows":
            rows = [row(branch, offset=offset + number, at_ms=clock.now_ms) for number, branch in enumerate(value)]
            offset += len(rows)
            put.update(value)
            hub.take(rows, live=True)
        elif what == "tick":
            clock.now_ms += value
            hub.tick()
            assert page.queue.qsize() <= QUEUED
        else:
            read()
    for _ in range(3):
        read()
        hub.tick()
    read()
    assert +seen == +put


def test_a_page_that_was_away_goes_on_where_it_was() -> None:
    """Without a gap and without anything twice, also at another dashboard; what is too much is counted."""
    clock = Clock()
    hub, other = hub_of(clock), hub_of(clock)
    rows = [row(offset=number, partition=number % 3) for number in range(30)]
    for one in (hub, other):
        one.take(rows, live=False)
    seen = {(LEGIT, 0): 12, (LEGIT, 1): 13, (LEGIT, 2): 15}
    behind = [one.offset for one in rows if one.offset >= seen[LEGIT, one.partition]]
    for one in (hub, other):
        batch = json.loads(one.rows(Filter(), seen).data)
        assert [found["offset"] for found in batch["rows"]] == behind
        assert (batch["fresh"], sum(batch["more"].values())) == (False, 0)
    hub.take([row(offset=number) for number in range(30, 30 + 2 * CAUGHT_UP_ROWS)], live=True)
    assert len(json.loads(hub.rows(Filter(), seen).data)["rows"]) == len(behind), "the rest comes with the next tick"
    hub.tick()
    batch = json.loads(hub.rows(Filter(), seen).data)
    assert (len(batch["rows"]), batch["more"][LEGIT]) == (CAUGHT_UP_ROWS, len(behind) + CAUGHT_UP_ROWS)
    assert json.loads(hub.rows(Filter(), None).data)["fresh"]


@given(
    st.lists(st.tuples(st.sampled_from(BRANCHES), st.integers(0, 1), st.integers(1, 3)), max_size=60),
    st.integers(0, 60),
    st.sampled_from([Filter(), Filter(branch=FRAUD), Filter(account="A")]),
    st.integers(0, 25),
)
def test_what_came_while_a_page_was_away_is_shown_or_counted(
    written: list[tuple[str, int, int]], away_since: int, wanted: Filter, forgotten: int
) -> None:
    """However much that was; where there may have been more, it is told. Markers lie between."""
    recent, ends, rows = Recent(kept=7, counted=12), Counter[tuple[str, int]](), []
    for branch, partition, markers in written:
        rows.append(row(branch, partition=partition, offset=ends[branch, partition] + markers - 1))
        ends[branch, partition] += markers
    seen = {(one.topic, one.partition): one.offset + 1 for one in rows[:away_since]}
    for one in rows[min(forgotten, away_since) :]:
        recent.take(one)
    expected = Counter(one.branch for one in rows[away_since:] if wanted.passes(one))
    shown = recent.between(seen, ends, wanted)
    counted, is_all = recent.left(seen, ends, wanted)
    told_of = Counter(one.branch for one in shown) + counted
    behind = [one for one in rows[away_since:] if (one.topic, one.partition) in seen]
    if seen and wanted.account is None and len(behind) == len(rows[away_since:]):
        assert told_of <= expected
    if is_all and not forgotten:
        assert told_of == expected


def test_rows_that_nobody_kept_are_told_of() -> None:
    """A page that slept for an hour is told that there was more than is known."""
    recent, ends = Recent(), {(LEGIT, 0): 101}
    recent.take(row(offset=100))
    assert recent.left({(LEGIT, 0): 7}, ends, Filter()) == (Counter(), False)
    assert recent.left({(LEGIT, 0): 100}, ends, Filter()) == (Counter(), True)
    assert recent.left({}, ends, Filter()) == (Counter(), True)


def test_seconds_are_told_again_until_they_are_whole() -> None:
    """What was judged late belongs to the second of its record: charts of pages that look are as those of a reload."""
    clock = Clock()
    hub = hub_of(clock)
    page = hub.open(Filter())
    at = clock.now_ms // 1000
    clock.now_ms += 1_000
    hub.tick()
    hub.take([row(at_ms=at * 1000)], live=True)
    clock.now_ms += 1_000
    hub.tick()
    told_of: list[Any] = drained(page, "second")
    points = {point["at"]: point["legit"] for batch in told_of for point in batch}
    assert points[at] == 1


def test_filters_are_for_branch_account_and_rule() -> None:
    """An account on either side; pages of one filter share their ticks."""
    recent = Recent()
    rows = [
        row(FRAUD, offset=0, source="X", rules=["a"]),
        row(FRAUD, offset=1, target="X", rules=["b"]),
        row(LEGIT, offset=2, source="X"),
        row(LEGIT, offset=3),
    ]
    for one in rows:
        recent.take(one)
    ends = {(FRAUD, 0): 2, (LEGIT, 0): 4}
    assert recent.between({}, ends, Filter(account="X")) == rows[:3]
    assert recent.between({}, ends, Filter(branch=FRAUD, account="X")) == rows[:2]
    assert recent.between({}, ends, Filter(rule="b")) == [rows[1]]
    assert recent.between({(FRAUD, 0): 1}, {**ends, (LEGIT, 0): 3}, Filter()) == rows[1:3]


def test_there_is_a_bound_of_pages_and_of_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who goes makes room."""
    monkeypatch.setattr(hub_module, "MOST_PAGES", 3)
    monkeypatch.setattr(hub_module, "MOST_FILTERS", 2)
    hub = hub_of(Clock())
    pages = [hub.open(Filter(account="A")), hub.open(Filter(account="B"))]
    with pytest.raises(TooManyError):
        hub.open(Filter(account="C"))
    pages.append(hub.open(Filter(account="A")))
    with pytest.raises(TooManyError):
        hub.open(Filter(account="A"))
    hub.close(pages[1])
    assert hub.open(Filter(account="C"))
