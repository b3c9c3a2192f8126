"""By what a deployment gathers transactions: said by a variable, else as its file of rules needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from detector.rules.command import main
from detector.rules.keys import GATHERED
from detector.settings import DetectorSettings
from pipeline.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
members: {device.id: text}
rules:
  - {id: a, key: target, window: 1h, when: count() > 1}
  - {id: b, key: [device.id, amount], window: 1h, when: count() > 1}
"""


@pytest.fixture
def rules(tmp_path: Path) -> str:
    """Provide a file with rules by two keys."""
    path = tmp_path / "r.yaml"
    path.write_text(RULES)
    return str(path)


def hops(**values: str) -> tuple[str, ...]:
    """Return by what transactions are gathered behind the input."""
    return DetectorSettings.from_env(values).hops


def test_without_a_keyed_rule_there_is_no_hop() -> None:
    """As for the rules that are shipped, whatever the keys of the input are."""
    settings = DetectorSettings.from_env({})
    assert settings.hops == ()
    assert settings.logs == (GATHERED,)
    assert hops(INPUT_KEY="none") == ()


def test_the_hops_are_those_that_the_file_needs(rules: str) -> None:
    """In the order of its rules; by account first, where the input is not."""
    assert hops(RULES_FILE=rules) == ("target", "device.id")
    assert hops(RULES_FILE=rules, INPUT_KEY="none") == ("source", "target", "device.id")


def test_a_person_may_choose_them(rules: str) -> None:
    """More than the file needs, or in another order; what the input has is no hop, and nothing is said once only."""
    assert hops(RULE_KEYS="country, account, target,source,target") == ("country", "target")
    assert hops(RULE_KEYS="target", INPUT_KEY="none") == ("source", "target")
    assert hops(RULE_KEYS="amount,target", RULES_FILE=rules) == ("amount", "target")
    assert hops(RULE_KEYS="none") == ()


def test_a_file_that_needs_another_is_refused(rules: str) -> None:
    """At the start, with what to change."""
    with pytest.raises(SettingsError, match="target in RULE_KEYS"):
        hops(RULES_FILE=rules, RULE_KEYS="none")
    with pytest.raises(SettingsError, match="RULE_KEYS"):
        hops(RULE_KEYS="target,a b")


def test_check_takes_a_file_for_what_seeds(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody has said what the deployment gathers by, it would be what the file needs."""
    assert main(["check", rules], {}) == 0
    assert main(["check", rules], {"RULE_KEYS": "target"}) == 1
    assert "device.id in RULE_KEYS" in capsys.readouterr().err
