"""A detector with a file of rules of one's own, on a real Kafka."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from pipeline.errors import EXIT_USAGE
from tests.support.deployment import headers_of
from tests.support.parts import on_both_paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.integration, on_both_paths]

RULES = """
members: {country: text}
lists:
  - {id: stolen, type: deny, on: source, entries: [A1]}
  - {id: friends, type: allow, on: target, entries: [mom], exempts: [abroad]}
rules:
  - {id: abroad, when: country != "DE", score: 60}
  - {id: at-least-500, when: amount >= 500, currency: EUR, score: 40}
  - {id: tried, when: amount >= 1, currency: any, mode: shadow}
"""


def sent(source: str, target: str, amount: int, country: str) -> bytes:
    """Return a transfer in euros with a country."""
    members = {"source": source, "target": target, "amount": amount, "currency": "EUR", "country": country}
    return json.dumps(members).encode()


def test_records_are_judged_by_the_rules_of_the_file(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """Scores add up, lists decide, and what did not suffice travels in a header, on either record path."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    pipeline = deploy(RULES_FILE=str(path))
    both = sent("B1", "dad", 500, "FR")
    exempt = sent("B1", "mom", 500, "FR")
    stolen = sent("A1", "mom", 0, "DE")
    nothing = sent("B1", "mom", 0, "DE")
    pipeline.put(both, exempt, stolen, nothing)
    with pipeline.running("detector"):
        frauds = pipeline.wait_for_records(topics.FRAUD, 2)
        legits = pipeline.wait_for_records(topics.LEGIT, 2)
    told = [
        [(hit["rule"], hit.get("standing")) for hit in json.loads(fraud.value)["verdict"]["hits"]] for fraud in frauds
    ]
    assert told == [[("abroad", None), ("at-least-500", None), ("tried", "shadow")], [("stolen", None)]]
    assert [legit.value for legit in legits] == [exempt, nothing]
    ruleset = json.loads(frauds[0].value)["verdict"]["ruleset"]
    assert headers_of(legits[0])["pipeline.hits"] == (
        f"{ruleset} abroad=60:exempt at-least-500=40:counted tried=100:shadow".encode()
    )
    assert "pipeline.hits" not in headers_of(legits[1])


def test_a_file_that_is_wrong_ends_the_detector(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """Before it reads a record, with what is wrong and where."""
    path = tmp_path / "rules.yaml"
    path.write_text("rules: [{id: a, when: amuont > 1}]")
    ended = deploy(RULES_FILE=str(path)).run("detector")
    assert ended.returncode == EXIT_USAGE
    assert f"RULES_FILE cannot be used: {path}:1:23: rule 'a': there is no amuont" in ended.stderr
