"""A version is put in force by somebody who has seen what is, or not at all; its author is told what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from kafka.errors import ProducerFencedError, TransactionalIdAuthorizationFailedError

from detector.rules.command import parse
from detector.rules.commands.desk import Desk, RulesCommandError
from detector.rules.commands.running import carry_out
from detector.rules.keys import GATHERED
from detector.rules.versions.body import at_work
from detector.versions.publishing import NotPutError, publish
from detector.versions.seeding import read_or_seed
from pipeline.contracts.rule_bodies import RuleBody
from pipeline.contracts.rule_versions import Put, Shelf
from pipeline.errors import EXIT_USAGE
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.settings import common_from_env

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from detector.versions.topic import RulesTopic
    from pipeline.contracts.rule_versions import Entry

BODY = RuleBody("r.yaml", "rules: [{id: a, when: 'true'}]")
VERSION = at_work(BODY).version
PUT = Put(version=VERSION, author="ann", at="2026-11-22T10:00:00Z")


class FakeTopic:
    """A topic in memory. ``wrong`` are errors of writes, one a time: behind them where ``taken``, else instead."""

    name = "config.rules"

    def __init__(self, *wrong: Exception, taken: bool = False) -> None:
        self.shelf = Shelf()
        self.written: list[Entry] = []
        self._wrong = list(wrong)
        self._taken = taken

    def read(self) -> tuple[Shelf, int]:
        """Return all of it."""
        return self.shelf, len(self.written)

    def put(self, entries_for: Callable[[Shelf], list[Entry]]) -> None:
        """Write, and fail where a test says so."""
        entries = entries_for(self.shelf)
        if self._taken or not self._wrong:
            for entry in entries:
                self.shelf.take(*entry, len(self.written))
                self.written.append(entry)
        if self._wrong:
            raise self._wrong.pop(0)

    def standing_in(self) -> RulesTopic:
        """Return it as what it stands in for."""
        return cast("RulesTopic", self)


def test_what_was_there_before_must_be_what_the_author_saw() -> None:
    """Also where nothing was."""
    topic = FakeTopic()
    publish(topic.standing_in(), PUT, BODY)
    with pytest.raises(NotPutError, match=f"{VERSION} is in force now, not none"):
        publish(topic.standing_in(), PUT, BODY)
    assert len(topic.written) == 3


def test_after_an_error_the_topic_tells_what_became_of_it() -> None:
    """An answer that was lost is no failure; one who was fenced has written nothing."""
    publish(FakeTopic(ProducerFencedError(), taken=True).standing_in(), PUT, BODY)
    with pytest.raises(NotPutError, match=r"was not put in force \(.*Fenced"):
        publish(FakeTopic(ProducerFencedError()).standing_in(), PUT, BODY)
    with pytest.raises(NotPutError, match=r"may not be written .* ACLs"):
        publish(FakeTopic(TransactionalIdAuthorizationFailedError()).standing_in(), PUT, BODY)


def test_a_body_that_is_there_is_not_written_again() -> None:
    """One that came to harm is."""
    topic = FakeTopic()
    publish(topic.standing_in(), PUT, BODY)
    again = Put(version=VERSION, author="bob", at="2026-11-22T11:00:00Z", previous=VERSION)
    publish(topic.standing_in(), again, BODY)
    assert len(topic.written) == 4
    topic.shelf.take(f"version/{VERSION}/0".encode(), b"{", 9)
    publish(topic.standing_in(), again, BODY)
    assert topic.shelf.body(VERSION) == BODY


def test_seeding_is_tried_again_and_brings_one_version() -> None:
    """A replica that was fenced finds what the other one has brought."""
    kafka = common_from_env({}).kafka
    topic = FakeTopic(ProducerFencedError())
    read_or_seed(topic.standing_in(), VERSION, BODY, kafka, lambda _: False)
    read_or_seed(topic.standing_in(), "other", BODY, kafka, lambda _: False)
    put = topic.shelf.last_put()
    assert put is not None
    assert (put.version, put.author) == (VERSION, "system")
    assert len(topic.written) == 3


def test_a_command_says_who_and_what(tmp_path: Path) -> None:
    """Somebody has to stand for a change; a version that is broken may be pushed again."""
    path = tmp_path / "r.yaml"
    path.write_text(BODY.text)
    topic = FakeTopic()
    asked = parse(["push", str(path)])
    rules, common = at_work(BODY), common_from_env({})
    desk = Desk(topic.standing_in(), topic.shelf, common, {}, (), [GATHERED], {})
    with pytest.raises(RulesCommandError, match="--author"):
        desk.put(asked, rules, BODY)
    desk = Desk(topic.standing_in(), topic.shelf, common, {}, (), [GATHERED], {"USER": "ann"})
    assert desk.put(asked, rules, BODY) is not None
    assert desk.put(asked, rules, BODY) is None
    assert desk.either(str(path))[0] == desk.version("current")[0] == desk.version(VERSION[:4])[0] == VERSION
    topic.shelf.take(f"version/{VERSION}".encode(), b"{", 9)
    assert desk.put(asked, rules, BODY) is not None
    with pytest.raises(RulesCommandError, match="there is no version"):
        desk.version("ffff")


def test_bad_settings_end_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anybody is asked anything."""
    assert carry_out(parse(["list"]), {"FRAUD_AMOUNT_THRESHOLD": "much"}, Stop()) == EXIT_USAGE
    assert "FRAUD_AMOUNT_THRESHOLD must be an amount" in capsys.readouterr().err


@pytest.mark.parametrize("until", ["soon", "2026-12-31T00:00:00"])
def test_a_moment_has_its_offset(until: str) -> None:
    """Otherwise nobody knows which moment that is."""
    with pytest.raises(SystemExit):
        parse(["lists", "add", "stolen", "A1", "--until", until])
