"""What the gate makes of its rounds."""

from __future__ import annotations

import pytest

from bench.gate import Passed, Plan, holds, main, medians, table
from pipeline.operations.audit.report import Report

PLAN = Plan(events=100, rate=10, warm=3)


def report(**found: int) -> Report:
    """Return what an audit says of all that was sent."""
    counts = dict.fromkeys(
        ("lost", "duplicated", "both_branches", "unread", "unknown", "unmarked", "effect_missing", "effect_twice"), 0
    )
    return Report(
        topic="t", since=None, until=None, judged={}, outcomes={}, effects={}, unseen=0, unjudged=0, examples={},
        notes=[], **{"input": PLAN.total, **counts, **found},
    )  # fmt: skip


def passed(p95: float, unsettled: int = 0, **found: int) -> Passed:
    """Return a round."""
    return Passed(report(**found), {"p50": 1.0, "p95": p95, "p99": p95 + 1}, unsettled)


def test_what_warms_up_is_sent_but_not_counted() -> None:
    """Thirty come first, a hundred count."""
    assert (PLAN.before, PLAN.total) == (30, 130)


@pytest.mark.parametrize(
    ("one", "good"),
    [
        (passed(500.0), True),
        (passed(500.1), False),
        (passed(10.0, unsettled=1), False),
        (passed(10.0, lost=1), False),
        (passed(10.0, duplicated=1), False),
        (passed(10.0, input=PLAN.total - 1), False),
        (Passed(report(), {}, 0), False),
    ],
)
def test_a_round_holds_where_all_came_once_and_in_time(one: Passed, *, good: bool) -> None:
    """What the audit misses counts as lost, those that only warmed up as well; no latencies are none in time."""
    assert holds(one, PLAN) is good


def test_the_table_ends_with_medians_and_goals() -> None:
    """A row for each round comes before."""
    shown = table(PLAN, [passed(50.0), passed(70.0, lost=2), passed(40.0)])
    assert shown.head == ("round", "audited", "lost", "doubled", "p50 ms", "p95 ms", "p99 ms")
    assert shown.rows[1] == ("2", "130", "2", "0", "1.0", "70.0", "71.0")
    assert shown.rows[3:] == [
        ("median", "", "", "", "1.0", "50.0", "51.0"),
        ("goal", "", "0", "0", "", "60", "150"),
    ]


def test_without_latencies_there_are_no_medians() -> None:
    """One round in which nothing came leaves nothing to compare."""
    assert medians([passed(50.0), Passed(report(), {}, 100)]) == {}


@pytest.mark.parametrize("option", ["--rounds=0", "--events=0", "--rate=-1", "--warm=-1"])
def test_what_cannot_be_played_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before a Kafka is started, with the exit code of a wrong option."""
    with pytest.raises(SystemExit) as ended:
        main([option])
    assert ended.value.code == 2
    assert "is not above zero" in capsys.readouterr().err
