"""Rules that replace others keep what those remember, where they look at the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from detector.handler import Detector
from detector.rules.versions.body import at_work
from pipeline.contracts.rule_bodies import RuleBody
from tests.unit.samples import TRANSFERS, record, transfer

if TYPE_CHECKING:
    from detector.rules.ruleset import RuleSet

ROOT = Path(__file__).resolve().parents[2]
FIRST = "{id: a, key: source, window: 1h, when: count() >= 3, mode: shadow}"


def rules_of(*rules: str, rest: str = "", variables: dict[str, str] | None = None) -> RuleSet:
    """Return rules of a file with these."""
    return at_work(RuleBody("r.yaml", f"{rest}\nrules: [{', '.join(rules)}]", variables=variables or {}))


def seen(rules: RuleSet, count: int) -> None:
    """Let rules judge so many transfers of one account, for good."""
    for number in range(count):
        rules.judge(TRANSFERS.read(record(transfer(), offset=number)), 0)
    rules.committed()


def counts(rules: RuleSet) -> dict[str, str]:
    """Return what the rules count at one more transfer of that account."""
    judgement = rules.judge(TRANSFERS.read(record(transfer(), offset=99)), 0)
    return {hit.rule: hit.values["count()"] for hit in judgement.noted}


def test_another_limit_sees_the_same_history() -> None:
    """What is remembered is as good for it."""
    before, after = (
        rules_of(FIRST),
        rules_of(FIRST.replace(">= 3", ">= 1"), "{id: b, when: amount > 1e9, currency: any}"),
    )
    seen(before, 2)
    assert after.take_over(before)
    assert after.shape() == before.shape()
    assert counts(after) == {"a": "3"}
    after.aborted()
    assert counts(after) == {"a": "3"}


@pytest.mark.parametrize(
    "other",
    [
        rules_of(FIRST.replace("1h", "2h")),
        rules_of(FIRST.replace("key: source", "key: [source, target]")),
        rules_of(FIRST.replace("mode", "filter: amount > 1, currency: any, mode")),
        rules_of(FIRST, "{id: b, key: source, window: 1d, when: sum(amount) > 1, currency: any}"),
        rules_of(FIRST, rest="lateness: 2h"),
        rules_of("{id: b, when: amount > 1, currency: any}"),
    ],
    ids=["window", "key", "filter", "one more", "lateness", "none"],
)
def test_what_looks_at_something_else_begins_with_nothing(other: RuleSet) -> None:
    """And says so: the log has what it needs."""
    before = rules_of(FIRST)
    seen(before, 2)
    assert not other.take_over(before)
    assert counts(other) == {}
    assert other.shape() != before.shape()


def test_a_name_that_stands_for_something_else_is_something_else() -> None:
    """A filter that is the same text with another limit has another history."""
    filtered = FIRST.replace("mode", "filter: amount > LIMIT, currency: any, mode")
    before, after = (rules_of(filtered, rest=f"variables: {{LIMIT: {limit}}}") for limit in (1, 2))
    assert not after.take_over(before)
    assert after.shape() != before.shape()


def test_another_process_finds_the_same_shape() -> None:
    """Whatever the order of sets is there: by it a snapshot is found."""
    text = "rules: [{id: a, key: source, when: 'count(\"1h\", where=method in SUSPICIOUS) > 1'}]"
    code = (
        "from detector.rules.loading import load_rules\n"
        f"print(load_rules('r', {text!r}, {{'SUSPICIOUS': frozenset('abcdefgh')}}).shape())"
    )
    shapes = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, cwd=ROOT, check=True, capture_output=True
        ).stdout
        for seed in "123"
    }
    assert len(shapes) == 1


def test_a_detector_says_when_what_it_remembers_is_not_enough() -> None:
    """And only then: a limit that changes costs nobody a second reading."""
    detector = Detector(TRANSFERS, rules_of(FIRST))
    memory = detector.memory()
    detector.use(rules_of(FIRST.replace(">= 3", ">= 1")))
    assert detector.memory() == memory
    detector.use(rules_of(FIRST.replace("1h", "2h")))
    assert detector.memory() != memory
