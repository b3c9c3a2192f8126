"""When a rule hits far too often: what docs/rules.md says, held against counting all of it again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from detector.alarm import BLOCK, TELL_SECONDS, HitAlarm
from detector.handler import Detector
from detector.rules.hit_rates import KNOWN_AFTER, LEAST_HITS, RECENT_BLOCKS, REMEMBERED, HitRates
from detector.rules.loading import load_rules
from tests.unit.samples import TRANSFERS, record, transfer

if TYPE_CHECKING:
    import pytest

    from detector.rules.ruleset import RuleSet

BLOCKS = st.lists(st.tuples(st.sampled_from([500, 2_000, 5_000]), st.integers(0, 500)), max_size=60)


def exploded(blocks: list[tuple[int, int]]) -> bool:
    """Return whether the last block makes a rule explode that was there from the first; the oracle."""
    usual_hits = usual_of = 0
    for judged, hits in blocks[:-RECENT_BLOCKS]:
        usual_hits, usual_of = usual_hits + hits, usual_of + judged
        if usual_of > REMEMBERED:
            usual_hits, usual_of = usual_hits // 2, usual_of // 2
    recent = blocks[-RECENT_BLOCKS:]
    of, hits = sum(judged for judged, _ in recent), sum(found for _, found in recent)
    if hits < LEAST_HITS:
        return False
    if usual_of < KNOWN_AFTER:
        return hits / of >= 0.25
    return hits / of >= 0.01 and hits / of >= 5 * (usual_hits / usual_of)


@given(BLOCKS)
def test_a_rule_explodes_as_the_document_says(blocks: list[tuple[int, int]]) -> None:
    """At every block of any stream."""
    rates = HitRates()
    rates.follow(["a", "b"])
    for number, (judged, hits) in enumerate(blocks, 1):
        found = rates.add(judged, {"a": hits, "nobody": judged})
        assert [one.rule for one in found] == ["a"] * exploded(blocks[:number])


def test_what_is_known_of_a_rule_is_kept_while_it_is_followed() -> None:
    """A rule that is new, or another one under the same name, is judged as one of which nothing is known."""
    rates = HitRates()
    rates.follow(["a"])
    for _ in range(30):
        assert rates.add(1_000, {"a": 5}) == []
    rates.follow(["a", "b"])
    (old,) = rates.add(1_000, {"a": 150, "b": 150})
    assert (old.rule, old.hits, old.of) == ("a", 165, 4_000)
    assert old.told() == "a has hit 165 of the last 4,000 transactions (4.1%), and 0.50% of 27,000 before"
    rates.forget(["a"])
    rates.follow(["a", "b"])
    (new,) = rates.add(1_000, {"a": 1_000})
    assert new.told() == "a has hit 1,000 of the last 4,000 transactions (25.0%), and it is new"


def judging(rule: str) -> RuleSet:
    """Return rules with one for large transfers, which says what it does then."""
    return load_rules("r", f"rules: [{{id: large, when: amount >= 900, currency: any, {rule}}}]")


def judge(detector: Detector, amount: int, count: int = BLOCK) -> None:
    """Let a detector judge so many transfers."""
    for _ in range(count):
        detector.handle(record(transfer(amount=amount)))
    detector.committed()


def test_an_alarm_is_told_once_a_minute_and_acts_where_a_rule_wants_it(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever was aborted is not counted; a rule in shadow mode is told of, and needs no quarantine."""
    caplog.set_level(logging.WARNING)
    acts: list[tuple[str, ...]] = []
    now = 0.0
    rules = judging("quarantine: shadow")
    detector = Detector(TRANSFERS, rules, lambda *told: acts.append(told))
    detector._alarm = HitAlarm(rules, lambda *told: acts.append(told), lambda: now)  # noqa: SLF001 (its clock)
    for _ in range(BLOCK):
        detector.handle(record(transfer(amount=950)))
    detector.aborted()
    detector.committed()
    assert acts == []
    judge(detector, 950)
    judge(detector, 950)
    told = "large has hit 500 of the last 500 transactions (100.0%), and it is new"
    assert acts == [(rules.version, "large", told)]
    assert [one.getMessage() for one in caplog.records] == [
        f"rules of {rules.version}: {told}: an attack, or a rule that is wrong"
    ]
    now += TELL_SECONDS
    judge(detector, 950)
    assert len(acts) == len(caplog.records) == 2
    now += TELL_SECONDS
    detector.use(judging("quarantine: shadow, mode: shadow"))
    judge(detector, 950)
    assert (len(acts), len(caplog.records)) == (2, 3)


def test_who_asks_for_no_quarantine_is_told_alone() -> None:
    """Fraud explodes, too."""
    acts: list[object] = []
    detector = Detector(TRANSFERS, judging("score: 100"), lambda *told: acts.append(told))
    judge(detector, 950)
    assert acts == []
    assert judging("score: 100").quarantined == frozenset()
    assert judging("quarantine: shadow").quarantined == {"large"}
    assert judging("quarantine: shadow").version != judging("score: 100").version
