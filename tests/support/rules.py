"""Versions of rules for tests: made in a line, put in force as the command does, and found in what was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detector.rules.versions.body import at_work
from detector.versions.publishing import publish, version_in_force
from detector.versions.seeding import moment_now
from detector.versions.topic import RulesTopic
from pipeline.contracts import topics
from pipeline.contracts.rule_bodies import RuleBody
from pipeline.contracts.rule_versions import Put
from pipeline.runtime.lifecycle import Stop
from tests.support.deployment import headers_of

if TYPE_CHECKING:
    from tests.support.deployment import Deployment


def body_of(rule: str) -> RuleBody:
    """Return rules of which one, named so, is seen in every transaction and decides nothing."""
    return RuleBody("r.yaml", f"rules: [{{id: {rule}, when: 'true', mode: shadow}}]\n")


def version_of(rule: str) -> str:
    """Return the hash of these rules."""
    return at_work(body_of(rule)).version


def topic_of(pipeline: Deployment) -> RulesTopic:
    """Return the topic of rules."""
    return RulesTopic.find(pipeline.settings, "test", Stop().wait)


def pushed(pipeline: Deployment, rule: str, author: str = "ann") -> str:
    """Put rules in force, and return their version."""
    topic, body = topic_of(pipeline), body_of(rule)
    put = Put(version=version_of(rule), author=author, at=moment_now(), previous=version_in_force(topic.read()[0]))
    publish(topic, put, body)
    return put.version


def in_force(pipeline: Deployment) -> str | None:
    """Return what the topic says is in force."""
    return version_in_force(topic_of(pipeline).read()[0])


def judged_by(record: Any) -> str:
    """Return the rule that a legitimate record was seen by, or nothing."""
    noted = headers_of(record).get("pipeline.hits") or b""
    return noted.decode().partition(" ")[2].partition("=")[0]


def judged(pipeline: Deployment, count: int) -> list[str]:
    """Return the rules that so many records of partition 0 were seen by, in their order."""
    found = sorted(pipeline.wait_for_records(topics.LEGIT, count), key=lambda record: (record.partition, record.offset))
    return [judged_by(record) for record in found]
