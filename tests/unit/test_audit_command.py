"""The command line of the audit: ranges of time, the table, the exit code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import msgspec
import pytest

from pipeline.contracts.moments import milliseconds_of
from pipeline.operations.audit.command import exit_code, parse
from pipeline.operations.audit.report import Judged, Outcome, ProcessorEffects, Report, Violation
from pipeline.operations.audit.scope import Period, Scope
from pipeline.operations.audit.table import MEANINGS, table
from pipeline.operations.audit.timerange import moment

NOW: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def report_of(**changes: Any) -> Report:
    """Return a report of a clean pipeline, but for the changes."""
    fields: dict[str, Any] = {
        "topic": "queueing.transactions",
        "since": None,
        "until": None,
        "judged": {0: Judged(first=0, end=1204, input=1200), 1: Judged(first=7, end=7, input=0)},
        "input": 1200,
        "outcomes": {"legit": 1100, "fraud": 99, "dead-letter": 1},
        "effects": {
            "legit_processor": ProcessorEffects(branch="legit", done=1090, dead_letters=2, pending=8, method="ledger")
        },
        "unseen": 0,
        "unjudged": 0,
        "examples": {violation.value: [] for violation in Violation},
        "notes": [],
        **{violation.attribute: 0 for violation in Violation},
    }
    return Report(**{**fields, **changes})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("2h", NOW - timedelta(hours=2)),
        ("1d", NOW - timedelta(days=1)),
        ("0s", NOW),
        ("2026-11-22T14:05:09Z", datetime(2026, 11, 22, 14, 5, 9, tzinfo=UTC)),
        ("2026-11-22 14:05:09.5+09:00", datetime(2026, 11, 22, 14, 5, 9, 500_000, tzinfo=timezone(timedelta(hours=9)))),
    ],
)
def test_moments_are_read(text: str, expected: datetime) -> None:
    """A duration counts back from now; a moment says its offset."""
    assert moment(text, NOW) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "neither a moment such as"),
        ("yesterday", "such as 90m, 2h or 1d"),
        ("-2h", "neither"),
        ("2.5h", "neither"),
        ("2w", "neither"),
        ("2026-11-22", "says no offset from UTC"),
        ("2026-11-22T14:05:09", "add Z"),
        ("999999999d", "further back than the calendar goes"),
    ],
)
def test_what_is_no_moment_is_refused(text: str, why: str) -> None:
    """The sentence says what would have been right."""
    with pytest.raises(ValueError, match=why):
        moment(text, NOW)


def test_a_range_that_ends_before_it_begins_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The process ends with 2 and names both moments."""
    with pytest.raises(SystemExit, match="2"):
        parse(["--since", "1h", "--until", "2h"], NOW)
    assert "2026-11-22T11:00:00+00:00 is not before --until 2026-11-22T10:00:00+00:00" in capsys.readouterr().err
    assert parse(["--since", "2h", "--until", "1h"], NOW).period == Period(
        NOW - timedelta(hours=2), NOW - timedelta(hours=1)
    )
    assert not parse([], NOW).period.limited


def test_help_explains_ranges_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever writes a script finds all codes, and that times are turned into offsets."""
    with pytest.raises(SystemExit, match="0"):
        parse(["--help"], NOW)
    told = capsys.readouterr().out
    assert "A time range is turned into offsets" in told
    assert all(f"\n  {code:<4} " in told for code in (0, 1, 2, 69, 130))


def test_record_times_are_rounded_up() -> None:
    """A record in the millisecond in which the range begins may be before its beginning."""
    assert milliseconds_of(datetime(1970, 1, 1, 0, 0, 1, 500, tzinfo=UTC)) == 1001
    assert milliseconds_of(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1000
    assert milliseconds_of(datetime(1969, 12, 31, tzinfo=UTC)) < 0


def test_a_range_is_cut_to_what_there_is() -> None:
    """It begins no sooner than the log, ends no later than the commits, and is empty where nothing is that late."""
    log = {0: 3, 1: 3, 2: 3, 3: 3}
    scope = Scope(
        "input", log, {0: 8, 1: 8, 2: 8}, dict.fromkeys(log, 9), Period(NOW, NOW), {0: 1, 1: 5, 3: 4}, {0: 6, 1: 9}
    )
    assert scope.first == {0: 3, 1: 5, 2: 9, 3: 4}
    assert scope.end == {0: 6, 1: 8, 2: 9, 3: 4}


def test_the_table_shows_all_of_a_report() -> None:
    """Columns stand in line, thousands are separated, and the last line is the summary."""
    shown = table(report_of(since=NOW, notes=["retention has removed the input before 1:7: " + "long " * 20]))
    assert shown == (
        "judged      queueing.transactions\n"
        "            since 2026-11-22T12:00:00.000+00:00\n"
        "            partition  from     to  records\n"
        "            0             0  1,203    1,200\n"
        "            1             -      -        0\n"
        "            all                       1,200\n"
        "\n"
        "outcomes    legit        1,100\n"
        "            fraud           99\n"
        "            dead-letter      1\n"
        "\n"
        "effects     processor        branch  known by   done  dead letters  pending\n"
        "            legit_processor  legit   ledger    1,090             2        8\n"
        "\n"
        "violations  none\n"
        "\n"
        "not seen    retention has removed the input before 1:7: long long long long long long long long long\n"
        "              long long long long long long long long long long long\n"
        "\n"
        "audit: in=1200 legit=1100 fraud=99 dead-letter=1 lost=0 duplicated=0"
    )


def test_the_table_names_the_first_of_each_violation() -> None:
    """Each has its count, its meaning and coordinates; dots say that there are more."""
    examples = {violation.value: ["0:1", "0:2"] for violation in Violation}
    shown = table(report_of(lost=2, effect_twice=3000, examples=examples))
    assert "violations  lost 2: input without an outcome\n              0:1 0:2\n" in shown
    assert f"effect-twice 3,000: {MEANINGS[Violation.EFFECT_TWICE]}\n              0:1 0:2 ...\n" in shown
    assert shown.endswith("lost=2 duplicated=0 effect-twice=3000")


@pytest.mark.parametrize("violation", Violation)
def test_every_violation_ends_with_1(violation: Violation) -> None:
    """Each is explained, counted in the line, and no report with one is clean."""
    report = report_of(**{violation.attribute: 1})
    assert (report.clean, exit_code(report)) == (False, 1)
    assert f"{violation.value}=1" in report.line()
    assert MEANINGS[violation]


def test_what_could_not_be_judged_ends_with_69() -> None:
    """Nothing wrong was found, and nothing right either."""
    assert (exit_code(report_of()), exit_code(report_of(unjudged=1)), exit_code(report_of(unjudged=1, lost=1))) == (
        0,
        69,
        1,
    )


def test_the_report_is_json_with_the_names_of_the_line() -> None:
    """Programs find every count under the name that people read."""
    read = msgspec.json.decode(msgspec.json.encode(report_of(both_branches=4, since=NOW)))
    assert {violation.value for violation in Violation} <= read.keys()
    assert (read["both-branches"], read["since"], read["judged"]["0"]["end"]) == (4, "2026-11-22T12:00:00Z", 1204)
    assert (read["outcomes"][Outcome.LEGIT], read["effects"]["legit_processor"]["dead-letters"]) == (1100, 2)
