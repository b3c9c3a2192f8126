"""``python -m detector.rules``: what it tells of files that are right and of files that are not; and their schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from detector.rules.command import main
from detector.rules.files.schema import schema
from detector.rules.loading import RuleFileError, load_rules
from detector.rules.windows.distinct import SMALLEST
from detector.rules.windows.sizes import (
    CELL_BYTES,
    HASH_BYTES,
    KEY_BYTES,
    PANE_BYTES,
    PANE_CELL_BYTES,
    SERIES_BYTES,
)
from detector.settings import shipped_rules
from tests.support.reference import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = sorted((ROOT / "rules").glob("*.yaml"))
WRONG = "rules:\n  - {id: a, when: amuont > 1}\n  - {id: b}\n"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_is_shipped_is_right(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command and by the schema."""
    assert main(["check", str(path)], {}) == 0
    assert f"{path}: " in capsys.readouterr().out
    jsonschema.validate(yaml.safe_load(path.read_text()), schema())


def test_all_that_is_wrong_is_told_where_compilers_tell_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, a line each, and the exit code says so."""
    path = tmp_path / "rules.yaml"
    path.write_text(WRONG)
    assert main(["check", str(path)], {}) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.split("\n") == [
        f"{path}:2:19: rule 'a': there is no amuont; did you mean amount?",
        f"{path}:3:5: rule 'b': when: is missing",
        f"{path}: 2 problems",
        "",
    ]


def test_programs_read_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object a file; a list where there are several."""
    path = tmp_path / "rules.yaml"
    path.write_text(WRONG)
    assert main(["check", "--json", str(shipped_rules("payment")), str(path), str(tmp_path / "none")], {}) == 1
    right, wrong, none = json.loads(capsys.readouterr().out)
    assert right["valid"] is True
    assert [rule["id"] for rule in right["rules"]] == ["suspicious-method"]
    assert wrong["problems"][1] == {"line": 3, "column": 5, "rule": "b", "told": "when: is missing"}
    assert none["problems"] == [{"told": "it cannot be read: No such file or directory"}]


def test_what_rules_would_remember_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By key, with few transactions and at the most; and for how many values the bound of a process has room."""
    path = tmp_path / "rules.yaml"
    path.write_text(
        "rules:\n"
        '  - {id: a, key: source, when: \'count("1h") > 3 and sum(amount, "1h") > 7\', currency: EUR}\n'
        "  - {id: b, key: target, when: 'count_distinct(source, \"1d\") > 3'}\n"
    )
    values = {"STATE_MAX_BYTES": "1000000"}
    assert main(["check", "--json", "--keys", "100", str(path)], values) == 0
    memory = json.loads(capsys.readouterr().out)["memory"]
    by_source, by_target = memory["by_key"]
    row, pane = CELL_BYTES * 2, PANE_BYTES + PANE_CELL_BYTES + SMALLEST * HASH_BYTES
    assert by_target == {
        "stage": 2,
        "key": ["target"],
        "series": 1,
        "typical_bytes": KEY_BYTES + SERIES_BYTES + 10 * row,
        "most_bytes": KEY_BYTES + SERIES_BYTES + 1_024 * row + 128 * pane,
    }
    assert (by_source["stage"], by_source["series"]) == (1, 2)
    assert memory["typical_bytes"] == 100 * (by_source["typical_bytes"] + by_target["typical_bytes"])
    assert memory["room_for_values"] == 500_000 // by_source["typical_bytes"]
    assert main(["check", "--keys", "100", str(path)], values) == 0
    told = capsys.readouterr().out
    assert f"a value takes {by_target['typical_bytes']:,} bytes with 10 transactions in each" in told
    assert f"STATE_MAX_BYTES is 1,000,000, which has room for some {memory['room_for_values']}" in told
    assert main(["check", str(path)], {"STATE_MAX_BYTES": "0"}) == 0
    assert "STATE_MAX_BYTES sets no bound" in capsys.readouterr().out


def test_rules_that_look_at_no_history_remember_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to tell then, and a number of keys has to be one."""
    assert main(["check", "--json", str(shipped_rules("payment"))], {}) == 0
    assert json.loads(capsys.readouterr().out)["memory"] is None
    with pytest.raises(SystemExit):
        main(["check", "--keys", "-1", str(shipped_rules("payment"))], {})


def test_variables_of_the_deployment_are_those_of_the_detector(capsys: pytest.CaptureFixture[str]) -> None:
    """Another value is another version; one that is none ends the command."""
    versions = set()
    for limit in ("900", "901"):
        assert main(["check", "--json", str(ROOT / "rules/transfers.yaml")], {"FRAUD_AMOUNT_THRESHOLD": limit}) == 0
        versions.add(json.loads(capsys.readouterr().out)["version"])
    assert len(versions) == 2
    assert main(["check", str(SHIPPED[0])], {"FRAUD_AMOUNT_THRESHOLD": "much"}) == 2
    assert "FRAUD_AMOUNT_THRESHOLD must be an amount" in capsys.readouterr().err


def test_the_schema_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    """It is printed for who wants it elsewhere."""
    assert main(["schema"], {}) == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"rules": {}},
        {"rules": [{"id": "a"}]},
        {"rules": [{"id": "A b", "when": "true"}]},
        {"rules": [{"id": "a", "when": "true", "scor": 1}]},
        {"rules": [{"id": "a", "when": "true", "score": 1_001}]},
        {"rules": [{"id": "a", "when": "true", "score": "5"}]},
        {"rules": [{"id": "a", "when": "true", "mode": "on"}]},
        {"rules": [{"id": "a", "when": "true", "severity": "huge"}]},
        {"rules": [{"id": "a", "when": "true", "rollout": 101}]},
        {"rules": [{"id": "a", "when": "true", "currency": "eur"}]},
        {"rules": [{"id": "a", "when": "true", "on_error": "stop"}]},
        {"rules": [], "threshold": 0},
        {"rules": [], "members": {"country": "string"}},
        {"rules": [], "variables": {"small": 1}},
        {"rules": [], "rulez": []},
    ],
)
def test_what_the_schema_refuses_is_refused(document: dict[str, Any]) -> None:
    """An editor underlines nothing that would load."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema())
    with pytest.raises(RuleFileError):
        load_rules("r.json", json.dumps(document))
