"""Rules that change under a running detector: which stand at any moment, without a cluster."""

from __future__ import annotations

import logging
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from detector.rules.versions.body import at_work
from detector.rules.versions.difference import difference
from detector.versions import in_force as in_force_module
from detector.versions.follower import Follower
from detector.versions.in_force import BehindError, RulesInForce
from detector.versions.standing import NoRulesError, best
from pipeline.contracts.rule_bodies import RuleBody
from pipeline.contracts.rule_marks import Mark, mark_in
from pipeline.contracts.rule_versions import CURRENT, KEPT_VERSIONS, Put, Shelf, entries_of
from tests.unit.samples import TRANSFERS, record, transfer

if TYPE_CHECKING:
    from detector.versions.topic import RulesTopic
    from pipeline.runtime.clients.reading import Tail

TOPIC = cast("RulesTopic", SimpleNamespace(name="config.rules", end=lambda: 100))


def body_of(rule: str) -> RuleBody:
    """Return rules with one of this name, which only notes."""
    return RuleBody("r.yaml", f"rules: [{{id: {rule}, when: 'true', mode: shadow}}]")


def put_of(rule: str, previous: str | None = None, number: int = 0) -> Put:
    """Return who put such rules in force."""
    version = at_work(body_of(rule)).version
    return Put(version=version, author="ann", at=f"2026-11-22T10:{number:02}:00Z", previous=previous)


class Log:
    """A topic in memory: what was written to it, and how far it was read."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self._read = 0

    def write(self, *entries: tuple[bytes, bytes | None]) -> None:
        """Write records behind the last."""
        for key, value in entries:
            self.records.append(SimpleNamespace(key=key, value=value, offset=len(self.records)))

    def push(self, rule: str, previous: str | None = None) -> str:
        """Put rules in force, and return their version."""
        put = put_of(rule, previous, len(self.records))
        self.write(*entries_of(put, body_of(rule)))
        return put.version

    def read(self) -> list[Any]:
        """Return what has come since the last time."""
        new, self._read = self.records[self._read :], len(self.records)
        return new

    def shelf(self) -> Shelf:
        """Return all of it as a reader has it."""
        shelf = Shelf()
        for one in self.read():
            shelf.take(one.key, one.value, one.offset)
        return shelf

    def follow(self) -> Follower:
        """Return a follower that has read all."""
        shelf = self.shelf()
        return Follower(TOPIC, shelf, len(self.records), best(shelf, "config.rules"))

    def standing_in(self) -> Tail:
        """Return it as what it stands in for."""
        return cast("Tail", self)


def test_a_mark_is_found_among_whatever_else() -> None:
    """The later of two is the one with the greater offset."""
    mark = Mark(12, "589f1d2b2aa5bd8a")
    assert mark_in(f"a5b:17 {mark.encode()}") == mark
    assert mark_in("a5b:17") is None
    assert max(Mark(9, "f"), Mark(12, "0")) == Mark(12, "0")


def test_new_rules_judge_from_the_next_batch_on() -> None:
    """Not within one; each batch says by which it was judged."""
    log = Log()
    one = log.push("one")
    follower = log.follow()
    rules = RulesInForce(TOPIC, follower)
    detector = rules.detector(TRANSFERS)

    def noted() -> str:
        (outgoing,) = detector.handle(record(transfer()))
        return (outgoing.headers[0][1] or b"").decode()

    assert rules.next() == f"rules={one}@2"
    two = log.push("two", one)
    follower.take(log.standing_in())
    assert noted() == f"{one} one=100:shadow"
    assert rules.next() == f"rules={two}@5"
    assert noted() == f"{two} two=100:shadow"


def test_what_cannot_be_used_keeps_what_was_and_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """What was seen counts for takeovers all the same; what mends it is taken."""
    log = Log()
    one = log.push("one")
    follower = log.follow()
    rules = RulesInForce(TOPIC, follower)
    broken = Put(version="beef", author="bob", at="2026-11-22T11:00:00Z", previous=one)
    log.write(*entries_of(broken, RuleBody("r.yaml", "rules: [{id: a, when: amuont > 1}]")))
    for _ in range(2):
        follower.take(log.standing_in())
    (told,) = [one.message for one in caplog.records if one.levelno == logging.ERROR]
    assert "version beef does not load" in told
    assert "there is no amuont" in told
    assert f"rules stay at {one}" in told
    assert rules.next() == f"rules={one}@5"
    log.write(*entries_of(broken, body_of("mended"))[:-1])
    follower.take(log.standing_in())
    assert follower.standing.rules.version == at_work(body_of("mended")).version


def test_who_starts_takes_what_was_before_the_broken_one(caplog: pytest.LogCaptureFixture) -> None:
    """And where nothing can be used, it does not start."""
    log = Log()
    one = log.push("one")
    log.push("two", one)
    log.push("three", one)
    version = at_work(body_of("three")).version
    log.write((f"version/{version}".encode(), b"{"))
    assert best(log.shelf(), "config.rules").rules.version == one
    assert "going on with version" in caplog.text
    empty = Log()
    empty.write((CURRENT, b"{"))
    with pytest.raises(NoRulesError, match="nor can any version there"):
        best(empty.shelf(), "config.rules")


def test_a_takeover_waits_for_what_was_judged_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not for what was seen, for partitions without a mark, and for what the topic no longer has."""
    monkeypatch.setattr(in_force_module, "REACH_SECONDS", 0.0)
    log = Log()
    log.push("one")
    rules = RulesInForce(TOPIC, log.follow())
    rules.taken_over({("t", 0): "a:1", ("t", 1): "a:2 rules=beef@2"})
    with pytest.raises(BehindError, match="t:1 was judged by rules beef, config"):
        rules.taken_over({("t", 0): "a:2 rules=feed@3", ("t", 1): "a:2 rules=beef@99"})
    rules.taken_over({("t", 1): "a:2 rules=beef@100"})


def test_a_follower_that_ended_ends_the_detector() -> None:
    """Rules that nobody follows would never change again."""
    log = Log()
    log.push("one")
    follower = log.follow()
    follower._failure = ValueError("a bug")  # noqa: SLF001
    with pytest.raises(ValueError, match="a bug"):
        RulesInForce(TOPIC, follower).next()


def test_the_oldest_versions_go_and_never_what_is_needed() -> None:
    """Neither what is in force nor what comes into force, however old."""
    log = Log()
    first = log.push("v0")
    for number in range(1, KEPT_VERSIONS + 2):
        log.write(*entries_of(put_of(f"v{number}", None, number % 60), body_of(f"v{number}")))
    shelf = log.shelf()
    gone = {key.decode() for key, value in shelf.surplus(first) if value is None}
    assert len(gone) == 2
    assert not any(first in key for key in gone)


def test_a_difference_names_rules_and_lines() -> None:
    """What is the same is not shown."""
    text = "rules:\n- {id: a, when: LIMIT > 1}\n- {id: b, when: 'true'}\n"
    old = RuleBody("a.yaml", text, {}, {"LIMIT": Decimal(1)})
    new = RuleBody("b.yaml", text.replace("id: b", "id: c"), {}, {"LIMIT": Decimal(2)})
    found = difference((old, at_work(old)), (new, at_work(new)))
    assert (found.added, found.removed, found.changed) == (["c"], ["b"], [])
    assert "-LIMIT = 1" in found.lines
    assert "+- {id: c, when: 'true'}" in found.lines
    assert not any("LIMIT > 1" in line and line[0] in "+-" for line in found.lines)
