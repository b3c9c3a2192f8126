"""A rule that goes into quarantine: a new version, of which one mode is another, by the author system."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from kafka.errors import KafkaTimeoutError

from detector.rules.files.spec import SHADOW
from detector.rules.keys import GATHERED
from detector.rules.versions.body import at_work
from detector.rules.versions.modes import ModeEditError, with_mode
from detector.versions.quarantine import Quarantine
from pipeline.contracts.rule_bodies import RuleBody
from pipeline.contracts.rule_versions import Put, Shelf, entries_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.versions.topic import RulesTopic
    from pipeline.contracts.rule_versions import Entry

BLOCK = """# Ours.
rules:
  - id: first     # the first
    when: amount > 1
    currency: any
  - when: amount > 2
    currency: any
    id: second
    mode: active  # for now
"""
FLOW = '{"rules": [{"id": "first", "when": "true"},\n\t{"when": "true", "mode": "active", "id": "second"}]}'


@pytest.mark.parametrize(
    ("text", "rule", "edited"),
    [
        (BLOCK, "first", BLOCK.replace("- id: first ", '- "mode": "shadow"\n    id: first ')),
        (BLOCK, "second", BLOCK.replace("mode: active", 'mode: "shadow"')),
        (FLOW, "first", FLOW.replace('{"id": "first"', '{"mode": "shadow", "id": "first"')),
        (FLOW, "second", FLOW.replace('"mode": "active"', '"mode": "shadow"')),
    ],
)
def test_nothing_but_the_mode_is_another(text: str, rule: str, edited: str) -> None:
    """Comments and order stay."""
    body = with_mode(RuleBody("r.yaml", text), rule, SHADOW)
    assert body.text == edited
    modes = {one["id"]: one["mode"] for one in at_work(body).describe()}
    assert modes == {"first": "active", "second": "active"} | {rule: "shadow"}


def test_a_rule_that_is_not_there_has_no_mode() -> None:
    """Nor has a list, which is never put in quarantine."""
    listed = "rules: []\nlists: [{id: bad, type: deny, on: target, entries: [a]}]"
    for text in (BLOCK, listed, "rules: [{id: bad"):
        with pytest.raises(ModeEditError, match="there is no rule bad"):
            with_mode(RuleBody("r.yaml", text), "bad", SHADOW)


class Topic:
    """A topic in memory that fails where a test says so."""

    name = "config.rules"

    def __init__(self, body: RuleBody) -> None:
        self.shelf = Shelf()
        self.failure: Exception | None = None
        self.end = 0
        self.push(body, "ann")

    def push(self, body: RuleBody, author: str) -> None:
        """Put a version in force."""
        before = self.shelf.last_put()
        put = Put(
            version=at_work(body).version,
            author=author,
            at="2026-11-23T10:00:00Z",
            previous=before.version if before else None,
        )
        self.take(entries_of(put, body))

    def take(self, entries: list[Entry]) -> None:
        """Write behind what is there."""
        for entry in entries:
            self.shelf.take(*entry, self.end)
            self.end += 1

    def read(self) -> tuple[Shelf, int]:
        """Return all of it."""
        if self.failure is not None:
            raise self.failure
        return self.shelf, self.end

    def put(self, entries_for: Callable[[Shelf], list[Entry]]) -> None:
        """Write."""
        self.take(entries_for(self.shelf))

    def standing_in(self) -> RulesTopic:
        """Return it as what it stands in for."""
        return cast("RulesTopic", self)


def test_it_is_a_version_by_the_system_that_says_why() -> None:
    """Once: what is asked for behind it is of a version that is not in force any more."""
    body = RuleBody("r.yaml", BLOCK)
    topic = Topic(body)
    quarantine = Quarantine(topic.standing_in(), [GATHERED])
    for _ in range(2):
        quarantine.put(at_work(body).version, "first", "first has hit 500 of the last 500 transactions")
    put = topic.shelf.last_put()
    assert put is not None
    assert (put.author, put.previous) == ("system", at_work(body).version)
    assert put.reason == "first is in quarantine (shadow): first has hit 500 of the last 500 transactions"
    assert topic.shelf.body(put.version) == with_mode(body, "first", SHADOW)
    assert len(topic.shelf.listed()) == 2


def test_what_goes_wrong_is_told_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A Kafka that is away, a rule that is gone: the next one is put in quarantine all the same."""
    body = RuleBody("r.yaml", BLOCK)
    version = at_work(body).version
    topic = Topic(body)
    quarantine = Quarantine(topic.standing_in(), [GATHERED])
    topic.failure = KafkaTimeoutError("away")
    quarantine.ask(version, "first", "it explodes")
    quarantine.start()
    quarantine.close()
    assert "first could not be put in quarantine: KafkaTimeoutError: away" in caplog.text
    topic.failure = None
    again = Quarantine(topic.standing_in(), [GATHERED])
    again.start()
    for rule in ("third", "second"):
        again.ask(version, rule, "it explodes")
    again.close()
    assert "third could not be put in quarantine: there is no rule third" in caplog.text
    assert topic.shelf.last_put() != Put(version=version, author="ann", at="2026-11-23T10:00:00Z")
    assert "second is in quarantine (shadow): it explodes" in caplog.text
