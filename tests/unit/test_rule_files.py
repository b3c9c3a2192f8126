"""Files of rules: what they may say, and what they are told when they say something else."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.rules.loading import RuleFileError, load_rules
from detector.rules.rule import share_of
from pipeline.contracts.messages import Hit
from tests.unit.samples import transaction

ONE = """
rules:
  - id: large-amount
    when: amount >= 900
    currency: any
    severity: high
    message: "{amount} {currency} at or above 900"
"""


def told(text: str) -> list[str]:
    """Return what is wrong with a file, without its name."""
    with pytest.raises(RuleFileError) as caught:
        load_rules("r.yaml", dedent(text))
    lines = str(caught.value).split("\n")
    assert all(line.startswith("r.yaml:") for line in lines)
    return [line.removeprefix("r.yaml:") for line in lines]


def hits(text: str, **fields: object) -> list[Hit]:
    """Return the hits of a file's rules for a transaction."""
    verdict = load_rules("r.yaml", dedent(text)).judge(transaction(**fields)).verdict
    return [] if verdict is None else verdict.hits


def test_a_hit_says_why() -> None:
    """Rule, severity, score, the sentence, and every value that was looked at."""
    assert hits(ONE) == [
        Hit(
            rule="large-amount",
            severity="high",
            score=100,
            message="980.05 EUR at or above 900",
            values={"amount": "980.05"},
            passing_amount="899.99",
        )
    ]
    assert hits(ONE, amount=Decimal("899.99")) == []


def test_json_says_the_same() -> None:
    """Also where it is indented by tabs."""
    rule = {"id": "large-amount", "when": "amount >= 900", "currency": "any", "severity": "high"}
    text = json.dumps({"rules": [{**rule, "message": "{amount} {currency} at or above 900"}]}, indent="\t")
    assert load_rules("r.json", text).version == load_rules("r.yaml", ONE).version


def test_a_limit_of_one_currency_leaves_the_others_alone() -> None:
    """Nine hundred of what it says."""
    dollars = ONE.replace("any", "USD")
    assert hits(dollars, currency="USD")
    assert not hits(dollars, currency="EUR")


def test_weak_signs_add_up() -> None:
    """Neither is enough alone."""
    text = """
    threshold: 100
    rules:
      - {id: large, when: amount >= 900, currency: any, score: 60}
      - {id: at-night, when: hour(timestamp) < 6, score: 40}
    """
    assert [hit.rule for hit in hits(text)] == ["large", "at-night"]
    assert not hits(text, amount=Decimal(1))


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_what_is_not_active_decides_nothing(mode: str) -> None:
    """Not even beside others."""
    assert not hits(ONE + f"    mode: {mode}\n")


@pytest.mark.parametrize(("on_error", "fires"), [("miss", False), ("hit", True)])
def test_without_a_value_a_rule_does_what_it_says(on_error: str, *, fires: bool) -> None:
    """And it is counted."""
    text = f"""
    members: {{country: text}}
    rules:
      - {{id: embargo, when: country == "KP", on_error: {on_error}}}
    """
    assert bool(hits(text)) is fires


def test_a_rollout_takes_its_share_of_keys() -> None:
    """By a stable hash: the same keys today and tomorrow, and others for another rule."""
    shares = [share_of("a-rule", f"account-{number}") for number in range(20_000)]
    assert all(0 <= share < 10_000 for share in shares)
    assert 0.23 < sum(share < 2_500 for share in shares) / len(shares) < 0.27
    assert share_of("large-amount", "aB3dE5gH7jK9") == share_of("large-amount", "aB3dE5gH7jK9")
    assert [share_of("other", f"account-{number}") for number in range(50)] != shares[:50]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1: the file is empty: rules: was expected"]),
        ("rules: [", ["this is no YAML"]),
        ("- 1", ["1:1: a mapping was expected"]),
        ("threshold: 5", ["1:1: rules: is missing"]),
        ("rules: 5", ["1:8: rules: a list was expected"]),
        ("rules: [5]", ["1:9: a rule was expected"]),
        ("rules: []\nrulez: 1", ["2:1: there is no rulez; did you mean rules?"]),
        ("rules: []\nrules: []", ["2:1: rules stands here a second time"]),
        ("rules: &a []\nx: *a", ["anchors and aliases"]),
        (
            "rules: []\nthreshold: 1.5",
            ["2:12: threshold: a whole number from 1 to 1000000 was expected, this is '1.5'"],
        ),
        ("rules: []\ntimezone: Mars/Olympus", ["2:11: timezone: a time zone such as Europe/Berlin was expected"]),
        ("rules: []\nmembers: {amount: text}", ["2:11: amount is a field that every transaction has"]),
        ("rules: []\nmembers: {country: string}", ["2:20: country: one of number, text, truth was expected"]),
        ("rules: [{when: true}]", ["1:9: id: is missing"]),
        ("rules: [{id: a}]", ["1:9: rule 'a': when: is missing"]),
        ("rules: [{id: A b, when: 'true'}]", ["1:14: rule 'A b': id: lower-case letters"]),
        ("rules: [{id: a, when: 'true', severity: huge}]", ["1:41: rule 'a': severity: one of low"]),
        ("rules: [{id: a, when: 'true', score: '5'}]", ["1:38: rule 'a': score: a whole number from 0 to 1000"]),
        ("rules: [{id: a, when: 'true', rollout: 0.001}]", ["rollout: a number with at most 2 decimals"]),
        ("rules: [{id: a, when: 'true'}, {id: a, when: 'true'}]", ["1:32: rule 'a' stands here a second time"]),
        ("rules: [{id: a, when: amount > 1}]", ["1:23: rule 'a': currency: is missing: money is compared"]),
        ("rules: [{id: a, when: amuont > 1}]", ["1:23: rule 'a': there is no amuont; did you mean amount?"]),
        ("rules: [{id: a, when: 'amuont > 1'}]", ["1:24: rule 'a': there is no amuont"]),
        ("rules: [{id: a, when: 'true', message: '{amuont}'}]", ["1:42: rule 'a': there is no amuont"]),
        ("rules: [{id: a, when: 'true', message: '{amount'}]", ["1:41: rule 'a': a brace without its other"]),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, expected: list[str]) -> None:
    """File, line, column, rule, and what was expected."""
    found = told(text)
    assert len(found) == len(expected), found
    assert all(part in line for part, line in zip(expected, found, strict=True)), found


def test_the_place_is_right_in_a_text_of_many_lines() -> None:
    """A block keeps its lines, and errors name them."""
    text = """
    rules:
      - id: a
        when: |
          amount >= 900
          and amuont > 1
        currency: any
    """
    assert told(text) == ["6:11: rule 'a': there is no amuont; did you mean amount?"]


def test_all_that_is_wrong_is_told_at_once() -> None:
    """In the order of the lines, over all rules."""
    text = """
    rules:
      - {id: a, when: amuont > 1}
      - {id: b, when: amount >, currency: any}
      - {id: c, when: "true", severity: x, scroe: 1}
    """
    assert [line.split(":")[0] for line in told(text)] == ["3", "4", "5", "5"]


def test_ten_thousand_rules_load_in_time() -> None:
    """And one more is refused with a sentence."""
    rules = [{"id": f"r-{number}", "when": f"amount >= {number} and currency == 'EUR'", "currency": "any"}
             for number in range(10_000)]  # fmt: skip
    begun = time.monotonic()
    load_rules("r.json", json.dumps({"rules": rules}))
    assert time.monotonic() - begun < 60
    assert "at most 10,000 rules" in told(json.dumps({"rules": [*rules, rules[0]]}))[0]


@given(st.text(max_size=200))
def test_any_text_loads_or_is_refused(text: str) -> None:
    """With an error of ours that names the file, whatever it is."""

    def became() -> str:
        try:
            return load_rules("r.yaml", text).version
        except RuleFileError as error:
            return str(error)

    assert re.match(r"[0-9a-f]{16}$|r\.yaml:", became())


def test_a_hostile_text_stays_one_line() -> None:
    """What a transaction says stands in sentences, never in control of a terminal."""
    text = """
    rules:
      - {id: a, when: "target != ''", message: "to {target}"}
    """
    (hit,) = hits(text, target="\x1b[2J\n" + "x" * 200)
    assert hit.message.isprintable()
    assert len(hit.message) < 200
