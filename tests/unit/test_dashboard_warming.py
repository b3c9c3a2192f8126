"""How far a version of rules has got, by what is committed with offsets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.live.rulebook import Compared, compared
from dashboard.live.warming import IDLE, JUDGES, REFUSES, WARMING, InForce, Judges, Log, standing_of, warming
from pipeline.contracts.rule_bodies import RuleBody
from pipeline.contracts.rule_marks import Mark

PUT = InForce("bbbb", 10, 12)
HELD = {"aaaa", "bbbb"}


@pytest.mark.parametrize(
    ("mark", "waiting", "standing"),
    [
        (Mark(10, "bbbb"), 0, JUDGES),
        (Mark(10, "bbbb"), 500, JUDGES),
        (Mark(5, "aaaa"), 1, WARMING),
        (None, 3, WARMING),
        (Mark(5, "aaaa"), 0, IDLE),
        (None, 0, IDLE),
        (Mark(10, "aaaa"), 4, REFUSES),
        (Mark(10, "cccc"), 4, JUDGES),  # its name by another release
        (Mark(5, "bbbb"), 0, JUDGES),  # what was in force came back, and nothing waits for it
        (Mark(5, "bbbb"), 1, WARMING),  # there its past is read again
        (Mark(90, "bbbb"), 1, WARMING),  # of a topic that is gone
        (Mark(90, "aaaa"), 0, IDLE),
    ],
)
def test_a_partition_judges_by_what_it_was_judged_by_last(mark: Mark | None, waiting: int, standing: str) -> None:
    """What waits while nothing was judged by the version in force waits for it; where nothing waits nobody knows."""
    assert standing_of(Log("input", 0, mark, waiting), PUT, HELD.__contains__) == standing


RULES = """
threshold: 100
lateness: 1h
rules:
  - {id: large, when: amount > 900}
  - {id: many, when: "count() > 3", key: source, window: 1h}
"""
ADDED = RULES + "  - {id: fresh, when: 'count() > 9', key: source, window: 2h}\n"


def counted(before: str, now: str, variables: str = "") -> dict[str, int]:
    """Return in how many of four partitions a rule is judged by, where one still judges by the version before."""
    bodies = {
        "aaaa": RuleBody("r.yaml", before),
        "bbbb": RuleBody("r.yaml", now, variables={"LIMIT": variables} if variables else {}),
    }
    logs = [Log("input", number, Mark(10, "bbbb"), 0) for number in range(3)] + [Log("input", 3, Mark(5, "aaaa"), 8)]
    found: dict[str, int] = warming(Judges(1, logs), PUT, HELD.__contains__, lambda version: compared(bodies[version]))[
        "rules"
    ]
    return found


def test_a_rule_is_warming_where_its_version_was_not_judged_by_yet() -> None:
    """Those that were there before, and say the same, are not; a mode that is written out is the same, too."""
    assert counted(RULES, ADDED) == {"fresh": 3}
    assert counted(RULES, RULES.replace("window: 1h", "window: 2h")) == {"many": 3}
    assert counted(RULES, RULES.replace("amount > 900", "amount > 900, mode: active")) == {}
    assert counted(RULES, RULES.replace("threshold: 100", "threshold: 50")) == {}
    assert counted(RULES, RULES.replace("lateness: 1h", "lateness: 2h")) == {"large": 3, "many": 3}
    assert counted(RULES, RULES, "7") == {"large": 3, "many": 3}
    assert counted("", RULES) == {"large": 3, "many": 3}
    assert counted(RULES, "") == {}


def test_a_version_that_cannot_be_read_says_nothing_of_rules() -> None:
    """Neither the one in force, nor one before it: then all are new."""
    logs = [Log("input", 0, Mark(10, "bbbb"), 0), Log("input", 1, None, 8)]

    def none(_: str) -> Compared | None:
        return None

    assert warming(Judges(0, logs), PUT, HELD.__contains__, none)["rules"] == {}
    readable = compared(RuleBody("r.yaml", RULES))
    found = warming(Judges(0, logs), PUT, HELD.__contains__, lambda _: readable)
    assert found["rules"] == {"large": 1, "many": 1}


MARKS = st.one_of(st.none(), st.builds(Mark, st.integers(0, 20), st.sampled_from(["aaaa", "bbbb", "cccc"])))
LOGS = st.lists(st.builds(Log, st.just("input"), st.integers(0, 9), MARKS, st.integers(0, 3)), max_size=8)


@given(LOGS)
def test_each_partition_is_counted_once(logs: list[Log]) -> None:
    """Whatever is committed: standings make up all of them, and no rule is judged by in fewer than its version is."""
    readable = compared(RuleBody("r.yaml", RULES))
    found = warming(Judges(1, logs), PUT, HELD.__contains__, {"bbbb": readable}.get)
    assert sum(found["standings"].values()) == found["partitions"] == len(logs)
    by_it = found["standings"].get(JUDGES, 0)
    assert found["versions"].get("bbbb", 0) >= by_it
    assert len(found["behind"]) == len(logs) - by_it
    assert all(by_it <= count < len(logs) for count in found["rules"].values())
