"""Dead letters on a real Kafka: seen, sent again exactly once, set aside by hand; and a breaker that trips."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from pipeline.contracts.coordinates import Coordinates
from pipeline.operations.deadletters.redrive import Choice, RedriveError, Redriver
from pipeline.operations.deadletters.resume import resume
from pipeline.operations.deadletters.shelf import read_letters
from pipeline.operations.deadletters.skip import SkipError, skip
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.watchdog import Watchdog
from tests.support.deployment import WITHIN, headers_of
from tests.support.eventually import eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from pipeline.contracts.topics import Topic
    from pipeline.operations.deadletters.letters import Letter
    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

GOOD = b'{"source":"A1","target":"B2","amount":231.67,"currency":"EUR"}'
BAD = b'{"source":"A1","target":"B2","amount":-1,"currency":"EUR"}'
PAYPAL = b'{"DATE":"11/22/2026","TIME":"14:05:09","PAYMENT_TYPE":"PAYPAL","AMOUNT":7,"TO":"mom"}'


def letters(pipeline: Deployment, twin: Topic = topics.TRANSACTIONS) -> list[Letter]:
    """Return the dead letters of a topic."""
    return read_letters(pipeline.settings.kafka, pipeline.settings.topics, twin, Stop().wait)


def redriver(pipeline: Deployment, twin: Topic = topics.TRANSACTIONS) -> Redriver:
    """Return a redriver that has taken its transactional id."""
    return Redriver(pipeline.settings.kafka, pipeline.settings.topics, twin, Stop().wait, Watchdog())


def choose(twin: Topic = topics.TRANSACTIONS, limit: int | None = None, max_attempts: int = 5) -> Choice:
    """Return a choice of letters for any reason."""
    return Choice(twin, None, limit, max_attempts)


def judged(deploy: Callable[..., Deployment], *values: bytes, **variables: str) -> Deployment:
    """Return a deployment whose detector has judged these."""
    pipeline = deploy(**variables)
    pipeline.put(*values, key=b"A1")
    with pipeline.running("detector"):
        pipeline.wait_until_judged(len(values))
    return pipeline


def command(pipeline: Deployment, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    return pipeline.run("pipeline.operations.deadletters", *arguments)


def test_letters_are_listed_and_shown(deploy: Callable[..., Deployment]) -> None:
    """``list`` has a row a letter with its reason, ``--json`` an object, ``show`` all of one by its origin."""
    pipeline = judged(deploy, GOOD, BAD)
    listed = command(pipeline, "list")
    assert listed.returncode == 0, listed.stderr
    assert "negative-amount" in listed.stdout
    assert listed.stdout.endswith("1 letters\n")
    (as_json,) = [json.loads(line) for line in command(pipeline, "list", "--json").stdout.splitlines()]
    assert (as_json["origin"], as_json["reason"], as_json["value"]) == ("0:1", "negative-amount", BAD.decode())
    shown = command(pipeline, "show", "0:1")
    assert "amount is negative" in shown.stdout
    assert command(pipeline, "show", "0:0").returncode == 1


def test_a_letter_is_sent_again_once(deploy: Callable[..., Deployment]) -> None:
    """It becomes a new record with one outcome, a marker tells of it, and a second run finds nothing pending."""
    pipeline = judged(deploy, BAD, GOOD)
    (pending,) = letters(pipeline)
    sender = redriver(pipeline)
    (marker,) = sender.send(choose(), lambda *_: None)
    assert sender.send(choose(), lambda *_: None) == []
    sender.close()
    assert (marker.letter, marker.attempt, marker.became) == (pending.place, 1, Coordinates(0, 2))
    with pipeline.running("detector"):
        report = pipeline.wait_until_judged(3)
    assert report.clean, report
    assert report.outcomes == {"legit": 1, "fraud": 0, "dead-letter": 2}
    first, second = letters(pipeline)
    assert (first.redriven, first.attempt) == (Coordinates(0, 2), 0)
    assert (second.redriven, second.attempt, second.origin) == (None, 1, Coordinates(0, 2))


def test_attempts_have_a_limit(deploy: Callable[..., Deployment]) -> None:
    """A record that fails again and again is left alone after so many tries."""
    pipeline = judged(deploy, BAD)
    sender = redriver(pipeline)
    for expected in (1, 1, 0):
        sent = sender.send(choose(max_attempts=2), lambda *_: None)
        assert len(sent) == expected
        with pipeline.running("detector"):
            pipeline.wait_until_judged(len(pipeline.records(topics.TRANSACTIONS)))
    sender.close()


def test_a_second_run_fences_the_first(deploy: Callable[..., Deployment]) -> None:
    """Guard: the fixed transactional id, taken before reading; two runs at once would send letters twice."""
    pipeline = judged(deploy, BAD)
    pending = letters(pipeline)
    first = redriver(pipeline)
    second = redriver(pipeline)
    assert len(second.send(choose(), lambda *_: None)) == 1
    with pytest.raises(RedriveError):
        first.send_letters(pending)
    second.close()
    first.close()
    assert len(pipeline.records(topics.TRANSACTIONS)) == 2


def test_a_dry_run_sends_nothing(deploy: Callable[..., Deployment]) -> None:
    """It names what would be sent, by reason and up to a limit."""
    pipeline = judged(deploy, BAD, b"", BAD)
    told = command(pipeline, "redrive", "--dry-run", "--reason", "negative-amount", "--limit", "1")
    assert told.stdout.endswith("1 letters would be sent again\n")
    assert len(pipeline.records(topics.TRANSACTIONS)) == 3


def test_a_letter_of_a_branch_goes_back_to_its_branch(deploy: Callable[..., Deployment]) -> None:
    """It keeps its origin and says which attempt it is, and so does the letter that it becomes again."""
    pipeline = judged(deploy, PAYPAL, TRANSACTION_FORMAT="payment")
    with pipeline.running("legit_processor"):
        pipeline.wait_for_records(topics.LEGIT_DEAD_LETTER, 1)
    sender = redriver(pipeline, topics.LEGIT)
    assert len(sender.send(choose(topics.LEGIT), lambda *_: None)) == 1
    sender.close()
    again = pipeline.records(topics.LEGIT)[-1]
    assert headers_of(again) == {"pipeline.origin": b"0:0", "pipeline.attempt": b"1"}
    with pipeline.running("legit_processor"):
        pipeline.wait_for_records(topics.LEGIT_DEAD_LETTER, 3)
    first, second = letters(pipeline, topics.LEGIT)
    assert (first.attempt, second.attempt, second.origin) == (0, 1, Coordinates(0, 0))
    assert pipeline.audit().clean


def test_the_next_record_of_a_stopped_service_is_set_aside(deploy: Callable[..., Deployment]) -> None:
    """The letter and the offset behind it are one transaction; the service goes on with the record after it."""
    pipeline = judged(deploy, GOOD)
    pipeline.put(GOOD, BAD)
    skip(pipeline.settings, topics.TRANSACTIONS, Coordinates(0, 1), Stop().wait, Watchdog())
    with pipeline.running("detector"):
        report = pipeline.wait_until_judged(3)
    assert report.clean
    assert [letter.reason for letter in letters(pipeline)] == ["skipped", "negative-amount"]


def test_only_the_next_record_may_be_set_aside(deploy: Callable[..., Deployment]) -> None:
    """What is handled, what comes later, and what is not there is refused; so is a service that runs."""
    pipeline = judged(deploy, GOOD)
    pipeline.put(GOOD, GOOD)
    for offset, why in ((0, "is handled already"), (2, "is not the next record"), (9, "not the next|no record")):
        with pytest.raises(SkipError, match=why):
            skip(pipeline.settings, topics.TRANSACTIONS, Coordinates(0, offset), Stop().wait, Watchdog())
    with pipeline.running("detector"):
        pipeline.wait_until_judged(3)
        with pytest.raises(SkipError, match="stop the service first"):
            skip(pipeline.settings, topics.TRANSACTIONS, Coordinates(0, 3), Stop().wait, Watchdog())


def test_a_breaker_trips_stays_up_and_goes_on_by_command(
    deploy: Callable[..., Deployment], caplog: pytest.LogCaptureFixture
) -> None:
    """Six thousand bad records: the service neither ends nor drains the topic, until a person says to go on."""
    pipeline = deploy(partitions=1)
    pipeline.put_many([BAD] * 6000)
    kafka, names = pipeline.settings.kafka, pipeline.settings.topics

    def committed() -> int:
        with Cluster(kafka, "test") as cluster:
            return cluster.committed(kafka.group_of("detector"), names[topics.TRANSACTIONS], 1).get(0, 0)

    def members() -> int:
        with Cluster(kafka, "test") as cluster:
            return len(cluster.members(kafka.group_of("detector")))

    with pipeline.running("detector"):
        eventually(lambda: "tripped, reading nothing" in caplog.text, WITHIN, "the breaker to trip")
        stopped_at = committed()
        assert stopped_at < 5000
        assert members() == 1
        resume(kafka, names, "detector", Stop().wait)
        eventually(lambda: committed() == 6000, WITHIN, "the rest to be read")
    assert pipeline.audit().clean
