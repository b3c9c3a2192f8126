"""Rules on the page: what a text says, whoever wrote it, and what stands in the topic, read on from where it was."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import KafkaError

from dashboard.live import rulebook
from dashboard.live.fold import Fold
from dashboard.live.row import FRAUD, LEGIT, row_of
from dashboard.live.rulebook import MAX_RULES, MAX_SHOWN, described, shown
from dashboard.live.warming import Judges, Log
from dashboard.web import rules as rules_module
from dashboard.web.rules import MAX_LINES, Rules
from pipeline.contracts import headers
from pipeline.contracts.codec import with_verdict
from pipeline.contracts.hits import encode_hits, standings_in
from pipeline.contracts.messages import EXEMPT, SHADOW, Hit, Verdict
from pipeline.contracts.rule_bodies import RuleBody
from pipeline.contracts.rule_marks import Mark
from pipeline.contracts.rule_versions import CURRENT, Put, entries_of
from pipeline.runtime.clients.reading import ReadingStalledError
from tests.unit.samples import TRANSFERS, record, transfer

if TYPE_CHECKING:
    from collections.abc import Iterator

NASTY = "<img src=x onerror=alert(1)>\u202e\x00"
TEXT = """
threshold: 120
rules:
  - {id: large, description: "A large one.", when: amount > 900, severity: high, tags: [a, b]}
  - {id: tried, when: "count() > 3", key: source, window: 1h, mode: shadow, score: 40}
  - {id: odd, mode: off, sequence: [{when: amount < 1}, {when: amount > 500}], within: 10m}
lists: [{id: denied, type: deny, on: target, entries: [X, Y]}]
"""
NOW_MS = 1_795_445_000_000


def test_rules_are_shown_member_by_member_as_they_are_written() -> None:
    """Every value is the text that stands there; what is not said has its default."""
    found = described(RuleBody("r.yaml", TEXT))
    assert found["threshold"] == "120"
    large, tried, odd = found["rules"]
    assert (large["id"], large["mode"], large["score"], large["tags"]) == ("large", "active", "100", "a, b")
    assert (tried["mode"], tried["score"], tried["window"]) == ("shadow", "40", "1h")
    assert odd["mode"] == "off"
    assert json.loads(odd["sequence"]) == [{"when": "amount < 1"}, {"when": "amount > 500"}]
    assert found["lists"] == [{"id": "denied", "type": "deny", "on": "target", "entries": "X, Y"}]
    assert described(RuleBody("r.yaml", TEXT, variables={"LIMIT": "7"}))["variables"] == "LIMIT = 7"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rules",
        "rules: 7",
        "rules: [7, x, [a]]",
        "{",
        "a: &a [x]\nrules: [*a]",
        "rules: [" + "[" * 5_000 + "]" * 5_000 + "]",
        "rules: [{id: " + "[" * 400 + "]" * 400 + "}]",
        "? [a]\n: b",
        "\x00",
    ],
)
def test_a_text_that_says_no_rules_is_no_error(text: str) -> None:
    """It is shown as text; a few lines that stand for billions are not taken apart."""
    assert [rule for rule in described(RuleBody("r.yaml", text))["rules"] if set(rule) > {"mode", "score"}] in (
        [],
        [{"mode": "active", "score": "100", "id": "[" * 400 + "]" * 400}],
    )


@given(st.text(max_size=300))
def test_any_text_is_shown_in_characters_that_can_be_seen(text: str) -> None:
    """None of them turns the line around or ends it."""
    assert all(line.isprintable() for line in shown(text).split("\n"))
    described(RuleBody("r.yaml", text))


def test_what_is_shown_is_bounded() -> None:
    """Ten thousand rules, or a text of megabytes: so much of it, and how much more there is."""
    many = described(RuleBody("r.yaml", "rules:\n" + "".join(f"- {{id: r{n}, when: 'true'}}\n" for n in range(1_200))))
    assert (len(many["rules"]), many["left_out"]) == (MAX_RULES, 200)
    assert shown("x" * (MAX_SHOWN + 7)).endswith("[7 more characters; python -m detector.rules has them]")
    assert described(RuleBody("r.yaml", "x" * (rulebook.MAX_READ + 1)))["rules"] == []


class FakeTopic:
    """Stands in for the topic of rules: ``records`` is what it holds, ``reads`` where each reading began."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes | None]] = []
        self.reads: list[int] = []
        self.missing = False
        self.logs: list[Log] = []
        self.told = True

    def judges(self, _: object) -> Judges:
        """Return by which versions partitions were judged last."""
        if not self.told:
            raise KafkaError("no coordinator")
        return Judges(1, self.logs)

    def put(self, put: Put, body: RuleBody | None) -> None:
        """Put a version in force."""
        self.records += entries_of(put, body)

    def __enter__(self) -> Self:
        """Connect."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""

    def describe(self, names: list[str]) -> dict[str, Any]:
        """Return what there is."""
        return {} if self.missing else dict.fromkeys(names)

    def beginnings(self, _name: str, _count: int) -> dict[int, int]:
        """Return where it begins."""
        return {0: 0}

    def readable_ends(self, _name: str, _count: int) -> dict[int, int]:
        """Return where it ends."""
        return {0: len(self.records)}

    def read(self, _partition: int, start: int, end: int, _idle: float) -> Iterator[Any]:
        """Return records."""
        self.reads.append(start)
        for offset in range(start, end):
            key, value = self.records[offset]
            yield SimpleNamespace(key=key, value=value, offset=offset)


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> FakeTopic:
    """Provide the topic that is read."""
    made = FakeTopic()
    monkeypatch.setattr(rules_module, "Cluster", lambda *_: made)
    monkeypatch.setattr(rules_module, "Lookup", lambda *_: made)
    monkeypatch.setattr(rules_module, "AGE_SECONDS", 0.0)
    return made


def version(name: str, previous: str | None = None, **more: str) -> Put:
    """Return who put a version in force."""
    return Put(version=name, author="ann", at=f"2026-11-0{len(name)}T00:00:00Z", previous=previous, **more)


def test_the_version_in_force_is_told_with_those_before_it(topic: FakeTopic) -> None:
    """The newest first, with who and why; each with its texts and what it has changed."""
    rules = Rules(SimpleNamespace(), "config.rules", topic.judges)  # type: ignore[arg-type] # no cluster is asked
    assert rules.in_force(dict)["current"] is None
    topic.put(version("aaaa"), RuleBody("r.yaml", TEXT))
    topic.put(
        version("bbbbb", "aaaa", reason=NASTY), RuleBody("r.yaml", TEXT.replace("900", "800"), variables={"A": "x"})
    )
    seen = {"hits": {"large": {"counted": 3}}, "judged": {"version": "aaaa", "at_ms": 7}}
    found = rules.in_force(lambda: seen)
    assert topic.reads == [0]
    assert found["current"]["version"] == "bbbbb"
    assert found["current"]["reason"].isprintable()
    assert found["rules"][0]["when"] == "amount > 800"
    assert {name: found[name] for name in seen} == seen
    assert [(one["version"], one["current"]) for one in found["versions"]] == [("bbbbb", True), ("aaaa", False)]
    told = rules.version("bbbbb")
    differing = [line for line in told["changes"] if line[0] in "+-" and line[:3] not in {"+++", "---"}]
    assert [line[:2] for line in differing] == ["- ", "+ ", "+A"]
    assert told["texts"]["variables of the deployment"] == "A = x"
    assert rules.version("aaaa")["changes"] is None
    topic.put(version("aaaa", "bbbbb"), None)
    assert rules.in_force(dict)["current"]["version"] == "aaaa"
    assert topic.reads == [0, 6]  # on from where it was
    with pytest.raises(LookupError, match="there is no version cccc"):
        rules.version("cccc")


def test_how_far_a_version_has_got_is_told(topic: FakeTopic) -> None:
    """By partitions, and by rules that are new or another than before; also while one looks."""
    rules = Rules(SimpleNamespace(), "config.rules", topic.judges)  # type: ignore[arg-type]
    topic.put(version("aaaa"), RuleBody("r.yaml", TEXT))
    topic.logs = [Log("input", 0, Mark(2, "aaaa"), 0), Log("input", 1, Mark(2, "aaaa"), 0)]
    assert rules.in_force(dict)["warming"]["standings"] == {"judges": 2}
    topic.put(version("bbbbb", "aaaa"), RuleBody("r.yaml", TEXT.replace("900", "800")))
    topic.logs = [Log("input", 0, Mark(5, "bbbbb"), 7), Log("input", 1, Mark(2, "aaaa"), 9)]
    found = rules.standing(lambda: {"hits": {}})
    assert found["put"] == rules.in_force(dict)["put"] == 5
    assert found["hits"] == {}
    assert found["warming"]["standings"] == {"judges": 1, "warming": 1}
    assert found["warming"]["versions"] == {"aaaa": 1, "bbbbb": 1}
    assert found["warming"]["rules"] == {"large": 1}
    assert found["warming"]["behind"] == [
        {"topic": "input", "partition": 1, "standing": "warming", "by": "aaaa", "waiting": 9}
    ]
    topic.told = False
    assert rules.standing(dict)["warming"] is None
    assert rules.in_force(dict)["current"]["version"] == "bbbbb"


def test_a_topic_that_was_made_anew_is_read_anew(topic: FakeTopic) -> None:
    """It ends before what was read of the one before it."""
    rules = Rules(SimpleNamespace(), "config.rules", topic.judges)  # type: ignore[arg-type]
    topic.put(version("aaaa"), RuleBody("r.yaml", TEXT))
    topic.put(version("bbbbb"), RuleBody("r.yaml", TEXT))
    assert len(rules.in_force(dict)["versions"]) == 2
    topic.records.clear()
    topic.put(version("cccccc"), RuleBody("r.yaml", TEXT))
    assert [one["version"] for one in rules.in_force(dict)["versions"]] == ["cccccc"]
    topic.missing = True
    with pytest.raises(LookupError, match=r"no topic config\.rules"):
        rules.in_force(dict)


def test_what_cannot_be_read_is_told(topic: FakeTopic) -> None:
    """A version in force whose parts are gone, and a record of what is in force that is no JSON."""
    rules = Rules(SimpleNamespace(), "config.rules", topic.judges)  # type: ignore[arg-type]
    topic.put(version("aaaa"), None)
    assert rules.in_force(dict)["problem"] == "there is no version aaaa"
    topic.records.append((CURRENT, b"{"))
    assert "cannot be read" in rules.in_force(dict)["problem"]


def test_a_reading_that_stalls_is_done_again(topic: FakeTopic, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open transaction holds it up: it is as if Kafka did not answer, and nothing is passed over."""
    rules = Rules(SimpleNamespace(), "config.rules", topic.judges)  # type: ignore[arg-type]
    topic.put(version("aaaa"), RuleBody("r.yaml", TEXT))

    def stalls(*_: object) -> Iterator[Any]:
        raise ReadingStalledError("nothing came")
        yield

    with monkeypatch.context() as patched:
        patched.setattr(topic, "read", stalls)
        with pytest.raises(KafkaError):
            rules.in_force(dict)
    assert rules.in_force(dict)["current"]["version"] == "aaaa"


def test_long_changes_are_cut(topic: FakeTopic) -> None:
    """So many lines, and how many more there are."""
    rules = Rules(SimpleNamespace(), "config.rules", topic.judges)  # type: ignore[arg-type]
    topic.put(version("aaaa"), RuleBody("r.yaml", ""))
    topic.put(version("bbbbb", "aaaa"), RuleBody("r.yaml", "".join(f"# {n}\n" for n in range(MAX_LINES + 50))))
    changes = rules.version("bbbbb")["changes"]
    assert len(changes) == MAX_LINES + 1
    assert changes[-1].endswith("more lines]")


@given(
    st.lists(st.tuples(st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True), st.sampled_from([SHADOW, EXEMPT]))),
    st.binary(max_size=60),
)
def test_hits_in_the_header_are_read_as_they_were_written(hits: list[tuple[str, str]], noise: bytes) -> None:
    """And nothing else is ever an error."""
    made = [
        Hit(rule=rule, severity="low", score=1, message="", values={}, standing=standing) for rule, standing in hits
    ]
    assert list(standings_in(encode_hits("v1", made))) == hits[:50]
    list(standings_in(noise))


def test_hits_that_decide_nothing_are_counted_by_what_they_are() -> None:
    """Of legitimate transactions those in their header, of frauds those beside the reason."""
    fold = Fold()
    tried = Hit(rule="tried", severity="low", score=1, message="", values={}, standing=SHADOW)
    large = Hit(rule="large", severity="low", score=100, message="it is", values={})
    noted = ((headers.HITS.name, encode_hits("v1", [tried])),)
    legit = record(transfer(), headers=noted)
    judged = record(with_verdict(transfer(), Verdict(ruleset="v1", score=100, hits=[large, tried])))
    for one, branch in ((legit, LEGIT), (judged, FRAUD)):
        row = row_of(one, branch, TRANSFERS)
        fold.take(row, row.at_ms, live=True)
    now_ms = legit.timestamp_ms
    assert fold.hits(now_ms) == {"tried": {SHADOW: 2}, "large": {"counted": 1}}
    assert fold.glance(now_ms).rules == {"large": 1}
