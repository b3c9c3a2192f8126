"""Rules of the public Flink fraud demo are read unchanged; what ours cannot say is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from detector.rules.importing.flink import FlinkRulesError, import_rules

# The four that the demo begins with: its numbers are texts.
DEMO: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "support" / "flink_demo_rules.json").read_text())


def imported(*rules: object) -> tuple[dict[str, Any], list[str]]:
    """Return the file of rules, and what is told."""
    found = import_rules(json.dumps(list(rules)))
    return yaml.safe_load(found.document), found.told


def test_the_four_rules_of_the_demo_are_read_unchanged() -> None:
    """With its names of fields where ours mean the same, and members where there is no such field here."""
    document, told = imported(*DEMO)
    assert document["members"] == {"paymentType": "text"}
    assert [(rule["id"], rule["key"], rule["window"], rule["when"], rule["mode"]) for rule in document["rules"]] == [
        ("flink-1", ["source", "target"], "30d", "sum(amount) > 20000000", "active"),
        ("flink-2", "paymentType", "1d", "count() < 300", "off"),
        ("flink-3", "target", "1d", "sum(amount) >= 10000000", "active"),
        ("flink-4", "paymentType", "1d", "count() >= 100", "active"),
    ]
    assert [rule.get("currency") for rule in document["rules"]] == ["any", None, "any", None]
    assert [line.partition(":")[0] for line in told] == ["rule 1", "rule 3", "rule 4"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"unique": ["x"]}, "unique"),
        ({"limitOperatorType": "ABOUT"}, "limitOperatorType ABOUT"),
        ({"aggregatorFunctionType": "MEDIAN"}, "aggregatorFunctionType MEDIAN"),
        ({"aggregatorFunctionType": "AVG", "aggregateFieldName": "COUNT_FLINK"}, "avg of a count"),
        ({"limit": "many"}, "limit many"),
        ({"limit": "NaN"}, "limit NaN"),
        ({"windowMinutes": 0}, "windowMinutes 0"),
        ({"windowMinutes": 1.5}, "windowMinutes 1.5"),
        ({"groupingKeyNames": []}, "groups by nothing"),
        ({"groupingKeyNames": ["a b"]}, "a b is no name"),
        ({"aggregateFieldName": "__import__('os')"}, "is no name of a field"),
        ({"ruleState": "CONTROL"}, "is no rule but a command"),
    ],
)
def test_what_cannot_be_said_is_told_and_left_out(changed: dict[str, object], told: str) -> None:
    """The other rules are imported all the same."""
    document, lines = imported({**DEMO[0], **changed}, DEMO[2])
    assert [rule["id"] for rule in document["rules"]] == ["flink-3"]
    assert any("left out" in line and told in line for line in lines), lines


@pytest.mark.parametrize(
    ("minutes", "window"), [(1, "1m"), (60, "1h"), (90, "90m"), (1_440, "1d"), (10_080, "1w"), (43_200, "30d")]
)
def test_windows_are_written_as_people_would(minutes: int, window: str) -> None:
    """In the largest unit that makes a whole number."""
    document, _ = imported({**DEMO[0], "windowMinutes": minutes})
    assert document["rules"][0]["window"] == window


def test_a_file_with_an_object_a_line_is_read_as_well() -> None:
    """The demo's own tools write either."""
    lines = "\n".join(json.dumps(rule) for rule in DEMO)
    assert yaml.safe_load(import_rules(lines).document) == imported(*DEMO)[0]


def test_limits_are_exact() -> None:
    """A limit with decimals is money, and no binary fraction."""
    found = import_rules(json.dumps([DEMO[0]]).replace('"20000000"', "0.10000000000000000001"))
    assert "sum(amount) > 0.10000000000000000001" in found.document


@pytest.mark.parametrize("text", ["", "{", "[]", "[1]", '{"a": 1}', '"rule"'])
def test_what_holds_no_rules_is_refused(text: str) -> None:
    """With what was expected."""
    with pytest.raises(FlinkRulesError, match=r"no JSON|rules were expected"):
        import_rules(text)
