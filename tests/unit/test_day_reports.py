"""What a day of frauds came to: figures against counting by hand, and how they read."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from fraud_processor.cases.alert import Alert, RuleHit
from fraud_processor.cases.states import CONFIRMED, FALSE_ALARM, OPEN
from fraud_processor.outbox.contents import read
from fraud_processor.reports import command, daily
from fraud_processor.reports.daily import Reporter
from fraud_processor.reports.day import AccountDay, Day, RuleDay, day_before, day_of
from fraud_processor.reports.page import page_of
from fraud_processor.reports.text import text_of
from pipeline.contracts.cases import CASES, OUTBOX
from pipeline.contracts.moments import microseconds_of
from tests.support.case_files import cases_in, opened

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

DAY = date(2026, 11, 22)
BEGIN_US = microseconds_of(datetime(2026, 11, 22, tzinfo=UTC))
HOUR_US = 3_600_000_000
NASTY = "<script>alert(1)</script>\x1b[31m"
FRAUDS = st.lists(
    st.tuples(
        st.sampled_from("ABC"),
        st.integers(-2, 26),  # hours from the beginning of the day
        st.sampled_from(["0.10", "99.99", "1000000000000.01"]),
        st.sampled_from(["EUR", "USD"]),
        st.sets(st.sampled_from(["large", "often"])),
    ),
    max_size=20,
)


def put(engine: Engine, frauds: list[tuple[str, int, str, str, set[str]]]) -> None:
    """Save frauds, a partition of them."""
    alerts = [
        Alert(
            0,
            offset,
            json.dumps({"source": account}),
            f"t{offset}",
            account,
            "B",
            amount,
            currency,
            BEGIN_US + hour * HOUR_US,
            2,
            100,
            [*(RuleHit(rule, 60, counted=True) for rule in sorted(rules)), RuleHit("tried", 1, counted=False)],
            b"{}",
        )
        for offset, (account, hour, amount, currency, rules) in enumerate(frauds)
    ]
    cases_in(engine, window_us=100 * HOUR_US).save({}, {0: len(frauds)}, alerts)


@given(FRAUDS, st.dictionaries(st.sampled_from("ABC"), st.sampled_from([OPEN, CONFIRMED, FALSE_ALARM])))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_figures_are_those_of_the_day(
    tmp_path_factory: pytest.TempPathFactory, frauds: list[Any], states: dict[str, str]
) -> None:
    """Against counting by hand; what people found out counts for each rule that had a part in it."""
    with opened(f"sqlite:///{tmp_path_factory.mktemp('r') / 'c.sqlite'}") as engine:
        put(engine, frauds)
        with engine.begin() as connection:
            for account, state in states.items():
                mine = CASES.c.subject == json.dumps({"source": account})
                connection.execute(update(CASES).where(mine).values(state=state))
            found = day_of(connection, DAY)
    here = [one for one in frauds if 0 <= one[1] < 24]
    assert found.frauds == len(here)
    assert found.hours == [sum(one[1] == hour for one in here) for hour in range(24)]
    money: dict[str, Decimal] = {}
    for _, _, amount, currency, _ in here:
        money[currency] = money.get(currency, Decimal(0)) + Decimal(amount)
    assert found.stopped == {currency: str(total) for currency, total in sorted(money.items())}
    by_rule = {rule: [states.get(one[0], OPEN) for one in here if rule in one[4]] for rule in ("large", "often")}
    assert {(one.rule, one.frauds, one.confirmed, one.false_alarms) for one in found.rules} == {
        (rule, len(told), told.count(CONFIRMED), told.count(FALSE_ALARM)) for rule, told in by_rule.items() if told
    }
    assert {one.account: one.frauds for one in found.accounts} == Counter(one[0] for one in here)
    assert found.cases == Counter(states.get(account, OPEN) for account in {one[0] for one in here})
    assert read(_body(found)).title == f"2026-11-22: {len(here)} frauds, {_money(found)} stopped"


def _body(day: Day) -> str:
    return msgspec.json.encode(day).decode()


def _money(day: Day) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in day.stopped.items()) or "nothing"


def a_day(**changes: Any) -> Day:
    """Return a day with something of everything, and names as attackers choose them."""
    members: dict[str, Any] = {
        "id": "report-2026-11-22",
        "day": DAY,
        "frauds": 3,
        "stopped": {"EUR": "980.05"},
        "hours": [0] * 22 + [1, 2],
        "rules": [RuleDay(NASTY, 3, 1, 1)],
        "accounts": [AccountDay(NASTY, 2)],
        "cases": {"open": 1, "confirmed": 1},
    }
    return Day(**{**members, **changes})


def test_a_day_reads_in_columns_and_no_name_gets_to_the_terminal() -> None:
    """With the precision of each rule where anything is known, and the hours."""
    told = text_of(a_day())
    assert told.splitlines()[0] == "2026-11-22: 3 frauds, 980.05 EUR stopped"
    assert "\x1b" not in told
    assert re.search(r"3 +1 +1 +50%", told)
    assert "23:00        2  ########################################" in told
    assert "cases       1 confirmed, 1 open" in told
    assert text_of(a_day(frauds=0, stopped={}, hours=[0] * 24, rules=[], accounts=[], cases={})) == (
        "2026-11-22: 0 frauds, nothing stopped"
    )


class Tags(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, _attrs: Any) -> None:
        """Take one."""
        self.tags.add(tag)


def test_a_page_has_no_tag_of_a_name_and_fetches_nothing() -> None:
    """It is one file, for a browser without a network."""
    page = page_of(a_day())
    tags = Tags()
    tags.feed(page)
    assert not {"script", "link", "img", "iframe"} & tags.tags
    assert "http" not in page
    assert "&lt;script&gt;" in page
    assert "50%" in page


def test_the_command_prints_writes_and_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For people, for programs, and as a page."""
    url = {"CASES_DATABASE_URL": f"sqlite:///{tmp_path / 'c.sqlite'}"}
    assert command.main(["--day", "2026-11-22"], url) == 69
    assert "the service makes it" in capsys.readouterr().err
    with opened(url["CASES_DATABASE_URL"]) as engine:
        put(engine, [("A", 1, "0.10", "EUR", {"large"})])
    assert command.main(["--day", "2026-11-22"], url) == 0
    assert capsys.readouterr().out.startswith("2026-11-22: 1 frauds, 0.10 EUR stopped\n")
    assert command.main(["--day", "2026-11-22", "--json"], url) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["frauds"], told["rules"][0]["precision"]) == (1, None)
    assert command.main(["--day", "2026-11-22", "--html", str(tmp_path / "day.html")], url) == 0
    assert (tmp_path / "day.html").read_text().startswith("<!doctype html>")
    assert command.main(["--html", str(tmp_path / "none" / "day.html")], url) == 1
    assert "cannot be written: No such file" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        command.main(["--day", "yesterday"], url)


def test_the_day_before_is_told_once_to_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By two replicas, from the time on that is asked for, also where nothing ran then; the next day again."""
    now = [datetime(2026, 11, 23, 5, 59, tzinfo=UTC)]
    monkeypatch.setattr(daily, "_now", lambda: now[0])
    with opened(f"sqlite:///{tmp_path / 'c.sqlite'}") as engine:
        reporters = [Reporter(engine, ["mail", "chat"], time(6, 0, tzinfo=UTC)) for _ in range(2)]

        def keys() -> list[str]:
            for reporter in reporters * 2:
                reporter.look()
            with engine.connect() as connection:
                return sorted(connection.execute(select(OUTBOX.c.key)).scalars())

        assert keys() == []
        now[0] += timedelta(hours=9)
        first = ["report-2026-11-22/chat", "report-2026-11-22/mail"]
        assert keys() == first
        now[0] += timedelta(hours=12)
        assert keys() == first
        now[0] += timedelta(hours=6)
        assert keys() == sorted([*first, "report-2026-11-23/chat", "report-2026-11-23/mail"])


def test_figures_that_take_long_hold_up_no_frauds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file has one writer at a time: who reads the whole day must not be it."""
    with opened(f"sqlite:///{tmp_path / 'c.sqlite'}") as engine:

        def slow(connection: Connection, day: date) -> Day:
            put(engine, [("A", 1, "1.00", "EUR", set())])
            return day_of(connection, day)

        monkeypatch.setattr(daily, "day_of", slow)
        monkeypatch.setattr(daily, "_now", lambda: datetime(2026, 11, 23, 7, tzinfo=UTC))
        Reporter(engine, ["mail"], time(6, 0, tzinfo=UTC)).look()
        with engine.connect() as connection:
            assert len(connection.execute(select(OUTBOX.c.key)).all()) == 1


def test_the_day_before_is_that_of_utc() -> None:
    """Wherever somebody asks."""
    assert day_before(datetime.fromisoformat("2026-11-23T01:00:00+02:00")) == date(2026, 11, 21)
