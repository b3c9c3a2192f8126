"""Rules that change while the detector runs, on a real Kafka."""

from __future__ import annotations

import json
import logging
import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer

from detector.rules.command import parse
from detector.rules.commands.running import carry_out
from detector.settings import DetectorSettings
from detector.versions import in_force as in_force_module
from detector.versions.in_force import BehindError, rules_in_force
from detector.versions.publishing import NotPutError, publish
from detector.versions.seeding import moment_now
from pipeline.contracts import topics
from pipeline.contracts.rule_marks import Mark, mark_in
from pipeline.contracts.rule_versions import CURRENT, Put
from pipeline.errors import BrokerUnavailableError
from pipeline.runtime.lifecycle import Stop
from tests.support.deployment import WITHIN, Deployment
from tests.support.eventually import eventually
from tests.support.parts import GOOD, group_of, input_of
from tests.support.rules import body_of, in_force, judged, judged_by, pushed, topic_of, version_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.broker import Broker

    Deploy = Callable[..., Deployment]

pytestmark = pytest.mark.integration


def starting_with(tmp_path: Path, rule: str) -> str:
    """Return the path of a file of rules."""
    path = tmp_path / f"{rule}.yaml"
    path.write_text(body_of(rule).text)
    return str(path)


NOBODY = Put(version="", author="", at="")


def in_force_put(pipeline: Deployment) -> Put | None:
    """Return who has put in force what is, when nobody has seeded it."""
    put = topic_of(pipeline).read()[0].last_put()
    return None if put is None or put.previous is None else put


def mark_of(pipeline: Deployment) -> Mark | None:
    """Return what is committed with the offset of partition 0 of the input."""
    consumer = KafkaConsumer(bootstrap_servers=pipeline.bootstrap, group_id=group_of(pipeline))
    found = consumer.committed(input_of(pipeline), metadata=True)
    consumer.close(autocommit=False)
    return mark_in(found.metadata) if found else None


def test_a_push_changes_verdicts_while_the_detector_runs(deploy: Deploy, tmp_path: Path) -> None:
    """In order, once, within moments; nothing is lost, and the offsets say by which version."""
    pipeline = deploy(partitions=1, RULES_FILE=starting_with(tmp_path, "one"))
    with pipeline.running("detector"):
        pipeline.put(GOOD)
        assert judged(pipeline, 1) == ["one"]
        pushed(pipeline, "two")
        sent = 1

        def changed() -> bool:
            nonlocal sent
            pipeline.put(*[GOOD] * 20)
            sent += 20
            return judged(pipeline, sent)[-1] == "two"

        eventually(changed, WITHIN, "the new version")
        seen = judged(pipeline, sent)
        eventually(lambda: (mark_of(pipeline) or Mark(0, "")).version == version_of("two"), WITHIN, "its mark")
    assert sum(before != after for before, after in pairwise(seen)) == 1
    assert pipeline.wait_until_judged(sent).clean


def test_two_replicas_seed_one_version_and_follow_the_same(deploy: Deploy, tmp_path: Path) -> None:
    """Whoever comes first, and whoever is fenced."""
    pipeline = deploy(RULES_FILE=starting_with(tmp_path, "one"))
    settings = DetectorSettings.from_env(pipeline.environ)
    seen: list[str] = []

    def replica() -> None:
        with rules_in_force(settings, Stop().wait) as rules:
            seen.append(rules.next())
            eventually(lambda: version_of("two") in rules.next(), 2 * WITHIN, "the next version")

    threads = [threading.Thread(target=replica) for _ in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(seen) == 3, WITHIN, "three replicas")
    pushed(pipeline, "two")
    for thread in threads:
        thread.join(WITHIN)
        assert not thread.is_alive()
    assert len(set(seen)) == 1
    shelf, _ = topic_of(pipeline).read()
    assert [(one.put.version, one.put.author) for one in shelf.listed()] == [
        (version_of("one"), "system"),
        (version_of("two"), "ann"),
    ]


def test_of_two_pushes_at_once_the_slower_is_told(deploy: Deploy) -> None:
    """Its author has not seen what is in force now: it writes nothing."""
    pipeline = deploy()
    pushed(pipeline, "one")
    slow, read, go = topic_of(pipeline), threading.Event(), threading.Event()
    told: list[str] = []

    def push_slowly() -> None:
        def entries(_shelf: object) -> list[tuple[bytes, bytes | None]]:
            read.set()
            go.wait(WITHIN)
            return [(CURRENT, b"the slower one's")]

        try:
            slow.put(entries)
        except Exception as error:  # noqa: BLE001 (looked at below)
            told.append(type(error).__name__)

    thread = threading.Thread(target=push_slowly)
    thread.start()
    assert read.wait(WITHIN)
    pushed(pipeline, "two")
    go.set()
    thread.join(WITHIN)
    assert len(told) == 1
    assert in_force(pipeline) == version_of("two")


def test_the_commands_work_on_the_topic(deploy: Deploy, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Push, refuse, list, diff, change a list, roll back, as a person does."""
    pipeline = deploy()
    one, two, bad = (tmp_path / f"{name}.yaml" for name in ("one", "two", "bad"))
    head = "lists: [{id: bad, type: deny, on: source, entries: [A9]}]\n"
    one.write_text(head + body_of("one").text)
    two.write_text(head + body_of("two").text)
    bad.write_text("rules: [{id: a, when: amuont > 1}]")

    def rules(*arguments: str, code: int = 0) -> str:
        assert carry_out(parse(list(arguments)), {**pipeline.environ, "USER": "ann"}, Stop()) == code
        told = capsys.readouterr()
        return told.err if code else told.out

    assert "no version is in force yet" in rules("list")
    assert "is in force; " in rules("push", str(one), "--reason", "first")
    assert "is in force already" in rules("push", str(one))
    first = in_force(pipeline)
    assert first is not None
    assert "added: two\nremoved: one" in rules("diff", "current", str(two))
    assert f"in place of {first}" in rules("push", str(two), "--previous", first[:6])
    assert "look at it" in rules("push", str(one), "--previous", first, code=1)
    assert "there is no amuont" in rules("push", str(bad), code=1)
    assert json.loads(rules("lists", "add", "bad", "A1", "--json"))["changed"]
    assert "changed: bad" in rules("diff", "current", str(two))
    assert "is in force, in place" in rules("rollback", first[:6], "--author", "bob")
    assert in_force(pipeline) == first
    listed = rules("list").splitlines()
    assert [line[:1] for line in listed[:3]] == ["*", " ", " "]
    assert listed[2].endswith("ann  lists add bad A1")
    assert listed[3].startswith(f"{first} is in force since ")
    assert "there is no version" in rules("rollback", "nothing", code=1)


def test_a_broken_version_keeps_the_last_good_one(
    deploy: Deploy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told loudly, and judging goes on; also by a detector that starts then."""
    caplog.set_level(logging.INFO)
    pipeline = deploy(partitions=1, RULES_FILE=starting_with(tmp_path, "one"))
    with pipeline.running("detector"):
        pipeline.put(GOOD)
        assert judged(pipeline, 1) == ["one"]
        topic_of(pipeline).put(lambda _: [(CURRENT, b"{")])
        eventually(lambda: "what is in force cannot be read" in caplog.text, WITHIN, "the error")
        pipeline.put(GOOD)
        assert judged(pipeline, 2) == ["one", "one"]
    with pipeline.running("detector"):
        pipeline.put(GOOD)
        assert judged(pipeline, 3) == ["one"] * 3
        pushed(pipeline, "two")
        eventually(
            lambda: f"rules {version_of('two')} are in force, put by ann" in caplog.text, WITHIN, "the next version"
        )
    assert [record.levelno for record in caplog.records if "cannot be used" in record.message] == [logging.ERROR] * 2


def test_a_takeover_waits_for_the_version_of_before(
    deploy: Deploy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica that has not read as far handles nothing before it has; where the topic lost it, it goes on."""
    monkeypatch.setattr(in_force_module, "REACH_SECONDS", 0.5)
    pipeline = deploy(RULES_FILE=starting_with(tmp_path, "one"))
    with rules_in_force(DetectorSettings.from_env(pipeline.environ), Stop().wait) as behind:
        one = behind.next()
        behind._follower.close()  # noqa: SLF001 (a replica whose reading is slow)
        pushed(pipeline, "two")
        with rules_in_force(DetectorSettings.from_env(pipeline.environ), Stop().wait) as ahead:
            two = ahead.next()
            ahead.taken_over({("t", 0): f"token:1 {one}", ("t", 1): "of an older release", ("t", 2): ""})
        behind.taken_over({("t", 0): f"token:1 {one}"})
        with pytest.raises(BehindError, match=f"t:1 was judged by rules {version_of('two')}"):
            behind.taken_over({("t", 0): f"token:1 {one}", ("t", 1): f"token:7 {two}"})
        behind.taken_over({("t", 0): Mark(10_000, version_of("two")).encode()})


def test_a_topic_that_is_not_there_is_told(kafka: Broker) -> None:
    """As of other topics: by its name, and what makes it."""
    pipeline = Deployment(kafka.bootstrap, {"KAFKA_STARTUP_TIMEOUT_SECONDS": "0.5"})
    with pytest.raises(BrokerUnavailableError, match=f"no topic {pipeline.name(topics.RULES)} yet; .*provision"):
        topic_of(pipeline)


def test_rules_that_nobody_has_seen_are_not_replaced(deploy: Deploy) -> None:
    """Between looking and pushing somebody else was faster: nothing is written."""
    pipeline = deploy()
    for rule in ("one", "two"):
        pushed(pipeline, rule)
    stale = Put(version=version_of("three"), author="bob", at=moment_now(), previous=version_of("one"))
    with pytest.raises(NotPutError, match="somebody else was faster"):
        publish(topic_of(pipeline), stale, body_of("three"))
    assert in_force(pipeline) == version_of("two")


def test_a_rule_that_explodes_goes_into_quarantine(deploy: Deploy, tmp_path: Path) -> None:
    """Where its file says so; by the system, with the reason, and it still counts."""
    path = tmp_path / "rules.yaml"
    path.write_text("rules: [{id: all, when: 'true', quarantine: shadow}]  # all of them\n")
    pipeline = deploy(partitions=1, RULES_FILE=str(path))
    with pipeline.running("detector"):
        pipeline.put_many([GOOD] * 600)
        eventually(lambda: (in_force_put(pipeline) or NOBODY).author == "system", WITHIN, "the quarantine")
        eventually(lambda: pipeline.put(GOOD) and pipeline.records(topics.LEGIT), WITHIN, "what it decides no more")
    put = in_force_put(pipeline)
    assert put is not None
    assert "all is in quarantine (shadow): all has hit" in put.reason
    assert put.previous == DetectorSettings.from_env(pipeline.environ).rules.version
    assert judged_by(pipeline.records(topics.LEGIT)[0]) == "all"
    shelf, _ = topic_of(pipeline).read()
    assert "# all of them" in shelf.body(put.version).text
