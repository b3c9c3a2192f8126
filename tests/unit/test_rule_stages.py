"""Rules by keys that the input is not partitioned by: at which stage they are judged, and that this changes nothing."""

from __future__ import annotations

import pytest

from detector.rules.keys import GATHERED, hops_for, logs_of, refusal, stage_of
from detector.rules.loading import RuleFileError, load_rules
from detector.rules.ruleset import NOTHING
from detector.rules.stage import Found
from pipeline.contracts.caveats import LATE
from pipeline.contracts.moments import milliseconds_of
from tests.unit.samples import transaction

RULES = """
lists:
  - {id: denied, type: deny, on: source, entries: [bad]}
  - {id: known, type: allow, on: target, entries: [shop], exempts: [fan-in]}
rules:
  - {id: fan-in, key: [target, amount], window: 1h, when: count_distinct(source) >= 2, score: 60}
  - {id: large, when: amount > 900, currency: any, score: 40}
  - {id: by-method, key: method, window: 1h, when: count() >= 2, mode: shadow}
  - {id: often, key: [method, source], window: 1h, when: count() >= 2, score: 10}
"""
LOGS = logs_of(["target", "method"])


@pytest.mark.parametrize(
    ("keys", "gathered", "hops"),
    [
        ([], GATHERED, ()),
        ([[], ["source"], ["target", "source"], ["account"]], GATHERED, ()),
        ([["target", "amount"], ["amount"], ["target"], ["method", "target"]], GATHERED, ("target", "amount")),
        ([["country", "target"], ["country"]], GATHERED, ("country",)),
        ([["source"], ["target"]], (), ("source", "target")),
    ],
)
def test_the_hops_that_keys_ask_for(keys: list[list[str]], gathered: frozenset[str], hops: tuple[str, ...]) -> None:
    """In the order of the rules; a key of several names needs one of them alone."""
    assert hops_for(keys, gathered) == hops
    assert all(stage_of(key, logs_of(hops, gathered)) is not None for key in keys if key)


def test_a_rule_is_judged_as_early_as_it_can_be() -> None:
    """By source means by account as well, at the input or behind a hop."""
    assert [stage_of(key, LOGS) for key in (["account"], ["source", "target"], ["amount", "target"], ["method"])] == [
        0,
        0,
        1,
        2,
    ]
    assert stage_of(["account"], logs_of(["source"], ())) == 1


def test_a_key_that_no_stage_has_is_refused_with_what_to_change() -> None:
    """The sentence names what is gathered, and the variable."""
    told = refusal(["country", "amount"], LOGS)
    assert told is not None
    assert "a key is account, method, source or target" in told
    assert "start every detector with country in RULE_KEYS" in told
    assert refusal(["country", "method"], LOGS) is None
    with pytest.raises(RuleFileError, match=r"rule 'fan-in': key: target, amount is spread .* target in RULE_KEYS"):
        load_rules("r", RULES)


def test_a_key_that_is_not_known_is_not_also_refused() -> None:
    """One mistake, one sentence."""
    with pytest.raises(RuleFileError) as refused:
        load_rules("r", "rules:\n- {id: a, key: [target, tragte], window: 1h, when: count() > 1}")
    assert len(refused.value.problems) == 1


def test_where_a_rule_is_judged_makes_no_other_version() -> None:
    """The version is a matter of what rules say, and not of a deployment."""
    assert load_rules("r", RULES, logs=LOGS).version == load_rules("r", RULES, logs=[{"target", "method"}]).version


def test_hits_of_all_stages_are_weighed_together_in_the_order_of_the_file() -> None:
    """Each stage has its own logs, in which partitions have nothing to do with those of another."""
    rules = load_rules("r", RULES, logs=LOGS)
    for number, source in enumerate(("one", "bad")):
        paid = transaction(source=source)
        found = Found([])
        for stage, partition in zip(rules.stages, (number, 7, number), strict=True):
            found = found.and_then(stage.find(paid, partition, milliseconds_of(paid.timestamp)))
    verdict = rules.weigh(paid, found).verdict
    assert verdict is not None
    assert [(hit.rule, hit.standing) for hit in verdict.hits] == [
        ("denied", "counted"),
        ("fan-in", "counted"),
        ("large", "counted"),
    ]
    assert verdict.score == 200
    exempt = rules.weigh(transaction(target="shop"), found).verdict
    assert exempt is not None
    assert [hit.standing for hit in exempt.hits] == ["counted", "exempt", "counted"]


def test_what_no_stage_has_found_is_nothing() -> None:
    """Late is told wherever it was found."""
    rules = load_rules("r", RULES, logs=LOGS)
    assert rules.weigh(transaction(), Found([])) is NOTHING
    assert rules.weigh(transaction(), Found([], LATE).and_then(Found([]))).caveats == LATE


def test_in_one_place_all_stages_are_judged_at_once() -> None:
    """As for what is checked or tried without Kafka."""
    rules, alone = load_rules("r", RULES, logs=LOGS), load_rules("r", RULES, logs=[{"target", "method", "source"}])
    for source in ("one", "two", "two", "bad"):
        paid = transaction(source=source)
        assert rules.judge(paid) == alone.judge(paid)
    rules.committed()
    alone.committed()
    assert rules.counts.told() == alone.counts.told()


def test_every_stage_remembers_drops_and_keeps_its_own() -> None:
    """What one forgets is no other's loss, and an abort undoes all."""
    rules = load_rules("r", RULES, logs=LOGS)
    fan_in, by_method = rules.stages[1:]
    first, second = transaction(source="one"), transaction(source="two")
    now_ms = milliseconds_of(first.timestamp)
    rules.observe(first, 3, now_ms, stage=1)
    rules.observe(first, 3, now_ms, stage=2)
    rules.committed()
    rules.keep([], stage=2)
    assert [hit.rule for hit in fan_in.find(second, 3, now_ms).hits] == ["fan-in"]
    assert by_method.find(second, 3, now_ms).hits == []
    rules.aborted()
    assert [hit.rule for hit in fan_in.find(second, 3, now_ms).hits] == ["fan-in"]
    rules.keep([], stage=1)
    assert fan_in.find(second, 3, now_ms).hits == []
    assert rules.reach_us > 0
