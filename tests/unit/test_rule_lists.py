"""Lists: what they deny, what they exempt from, until when, and what is wrong with them."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from detector.rules.loading import RuleFileError, load_file, load_rules
from tests.unit.samples import transaction

if TYPE_CHECKING:
    from pathlib import Path

    from detector.rules.ruleset import Judgement

RULES = """
rules:
  - {id: large, when: amount >= 900, currency: any, tags: [amount]}
  - {id: any-transfer, when: method == "TRANSFER", score: 10}
"""
DENY = "lists:\n  - {id: stolen, type: deny, on: source, entries: [A1, {value: B2, until: '2026-11-22T05:05:09Z'}]}"


def judged(lists: str, **fields: object) -> Judgement:
    """Return the judgement of a transfer of 980.05 EUR at 05:05:09 UTC, or of one with other fields."""
    return load_rules("r.yaml", lists + RULES).judge(transaction(**fields))


def standings(judgement: Judgement) -> dict[str, str]:
    """Return by rule what its hit stands for."""
    hits = judgement.noted if judgement.verdict is None else judgement.verdict.hits
    return {hit.rule: hit.standing for hit in hits}


def test_what_is_denied_is_fraud_and_says_why() -> None:
    """Whatever else it is."""
    verdict = judged(DENY, source="A1").verdict
    assert verdict is not None
    hit = verdict.hits[0]
    assert (hit.rule, hit.severity, hit.score, hit.message) == (
        "stolen", "critical", 100, "source A1 is on the list stolen",
    )  # fmt: skip
    assert hit.values == {"source": "A1"}
    assert "stolen" not in standings(judged(DENY, source="A2"))


@pytest.mark.parametrize(("until", "denied"), [("05:05:09", True), ("05:05:08.999999", False), ("06:05:10", True)])
def test_an_entry_ends_by_the_time_of_the_transaction(until: str, *, denied: bool) -> None:
    """Its last moment is included."""
    lists = f"lists: [{{id: a, type: deny, on: source, entries: [{{value: A1, until: '2026-11-22T{until}Z'}}]}}]"
    assert ("a" in standings(judged(lists, source="A1"))) is denied


@pytest.mark.parametrize(
    ("exempts", "expected"),
    [
        ("large", {"large": "exempt", "any-transfer": "counted"}),
        ("tag:amount", {"large": "exempt", "any-transfer": "counted"}),
        ("[any-transfer]", {"large": "counted", "any-transfer": "exempt"}),
        ("'*'", {"large": "exempt", "any-transfer": "exempt"}),
    ],
)
def test_an_allow_list_exempts_from_what_it_names(exempts: str, expected: dict[str, str]) -> None:
    """The hits are told, and do not count."""
    lists = f"lists: [{{id: friends, type: allow, on: target, entries: [C3], exempts: {exempts}}}]"
    judgement = judged(lists, target="C3")
    assert standings(judgement) == expected
    assert (judgement.verdict is None) is (expected["large"] == "exempt")
    assert set(standings(judged(lists, target="D4")).values()) == {"counted"}


def test_deny_beats_allow() -> None:
    """Also where everything is exempt."""
    lists = DENY + "\n  - {id: friends, type: allow, on: source, entries: [A1], exempts: '*'}"
    judgement = judged(lists, source="A1")
    assert judgement.verdict is not None
    assert judgement.verdict.score == 100
    assert standings(judgement) == {"stolen": "counted", "large": "exempt", "any-transfer": "exempt"}


def test_a_list_may_stand_in_a_file_beside(tmp_path: Path) -> None:
    """A value a line, with until when it holds; and the version is that of its content."""
    rules, beside = tmp_path / "rules.yaml", tmp_path / "stolen.csv"
    rules.write_text("lists: [{id: stolen, type: deny, on: source, file: stolen.csv}]" + RULES)
    beside.write_text("# reported\n\nA1\nB2,2026-11-22T05:05:08Z\n")
    loaded = load_file(rules)
    assert "stolen" in standings(loaded.judge(transaction(source="A1")))
    assert "stolen" not in standings(loaded.judge(transaction(source="B2")))
    beside.write_text("A1\n")
    assert load_file(rules).version != loaded.version


def test_a_member_that_is_not_there_is_on_no_list() -> None:
    """And its absence is counted for the deny list."""
    lists = "members: {card: text}\nlists: [{id: a, type: deny, on: card, entries: [X]}]"
    rules = load_rules("r.yaml", lists + RULES)
    assert "a" not in standings(rules.judge(transaction()))
    rules.counts.committed()
    assert rules.counts.total["a", "missing"] == 1


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ("[5]", "a list was expected"),
        ("5", "lists: a list was expected"),
        ("[{id: a, type: deni, on: source, entries: []}]", "type: one of deny, allow was expected"),
        ("[{id: a, type: deny, on: sourze, entries: []}]", "on: there is no sourze; did you mean source?"),
        ("[{id: a, type: deny, on: amount, entries: []}]", "on: a text was expected"),
        ("[{id: a, type: deny, on: source}]", "either entries: or file: was expected"),
        ("[{id: a, type: deny, on: source, file: a, entries: []}]", "either entries: or file: was expected"),
        ("[{id: a, type: deny, on: source, file: x.csv}]", "x.csv: there are no files beside it"),
        ("[{id: a, type: deny, on: source, entries: [A, A]}]", "'A' stands here a second time"),
        ("[{id: a, type: deny, on: source, entries: ['']}]", "a value has 1 to 256 characters"),
        ("[{id: a, type: deny, on: source, entries: [{value: A, until: soon}]}]", "until: a moment with its offset"),
        ("[{id: a, type: deny, on: source, entries: [{value: A, til: soon}]}]", "there is no til"),
        ("[{id: large, type: deny, on: source, entries: []}]", "there is another rule or list large"),
        ("[{id: a, type: allow, on: source, entries: []}]", "exempts: is missing"),
        (
            "[{id: a, type: allow, on: source, entries: [], exempts: larg}]",
            "no rule larg; did you mean large?",
        ),
        ("[{id: a, type: allow, on: source, entries: [], exempts: 'tag:x'}]", "no rule is tagged tag:x"),
        ("[{id: a, type: allow, on: source, entries: [], exempts: A B}]", "the id of a rule, tag: and a tag, or *"),
        ("[{id: a, type: deny, on: source, entries: [], exempts: large}]", "there is no exempts"),
    ],
)
def test_what_is_wrong_with_a_list_is_told(lists: str, expected: str) -> None:
    """With its place, and what was expected."""
    with pytest.raises(RuleFileError) as refused:
        load_rules("r.yaml", f"lists: {lists}" + RULES)
    assert expected in str(refused.value)


def test_a_file_beside_tells_the_line(tmp_path: Path) -> None:
    """Of what it cannot be read for."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(dedent("lists: [{id: a, type: deny, on: source, file: a.csv}]\nrules: []"))
    (tmp_path / "a.csv").write_text("A1\nB2,tomorrow\n")
    with pytest.raises(RuleFileError, match=r"rules.yaml:1:47: rule 'a': file: a.csv line 2: a moment with its offset"):
        load_file(rules)


def test_a_variable_of_the_deployment_is_not_set_by_a_file() -> None:
    """Or nobody knew which of the two holds."""
    with pytest.raises(RuleFileError, match="r:1:13: LIMIT is set by the deployment"):
        load_rules("r", "variables: {LIMIT: 5}\nrules: []", {"LIMIT": "6"})
