"""The auditor on a real Kafka: what the processors have done with each record of a branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from pipeline.contracts import topics
from pipeline.contracts.ledger import BOOKINGS, REPEATS
from pipeline.operations.audit.report import ProcessorEffects
from pipeline.operations.deadletters.redrive import Choice, Redriver
from pipeline.runtime.database.engine import begun, open_engine
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.watchdog import Watchdog
from tests.support.audited import FRAUD, GOOD, forge, judged, settled
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration


def effects_of(branch: str, done: int, dead_letters: int, pending: int, method: str = "ledger") -> ProcessorEffects:
    """Return the figures of a processor."""
    return ProcessorEffects(branch=branch, done=done, dead_letters=dead_letters, pending=pending, method=method)


def send_again(pipeline: Deployment) -> None:
    """Send the dead letters of the legit branch again."""
    redriver = Redriver(pipeline.settings.kafka, pipeline.settings.topics, topics.LEGIT, Stop().wait, Watchdog())
    assert len(redriver.send(Choice(topics.LEGIT, None, None, 5), lambda *_: None)) == 1
    redriver.close()


def test_what_was_settled_is_done_and_markers_are_not_pending(deploy: Callable[..., Deployment]) -> None:
    """Every record of a branch is done once its processor is past it; a distance made of markers is no lag."""
    report = settled(deploy, GOOD, FRAUD, GOOD).audit()
    assert report.effects == {
        "legit_processor": effects_of("legit", 2, 0, 0),
        "fraud_processor": effects_of("fraud", 1, 0, 0, "cases"),
    }
    assert report.clean


def test_what_the_ledger_lacks_or_has_twice_is_found(deploy: Callable[..., Deployment]) -> None:
    """A booking that somebody has removed, one that is a repeat of itself, and one of no payment."""
    pipeline = settled(deploy, GOOD, GOOD, GOOD)
    engine = open_engine(f"sqlite:///{pipeline.ledger}")
    with begun(engine) as connection:
        removed, doubled, _ = connection.execute(select(BOOKINGS).order_by(BOOKINGS.c.offset)).mappings().all()
        connection.execute(BOOKINGS.delete().where(BOOKINGS.c.offset == removed["offset"]))
        twice = {name: doubled[name] for name in ("log", "partition", "offset", "transaction_id")}
        connection.execute(REPEATS.insert().values(**twice))
    engine.dispose()
    report = pipeline.audit()
    assert (report.effect_missing, report.effect_twice, report.unknown) == (1, 1, 0)
    assert report.examples["effect-missing"] == [f"legit:{removed['partition']}:{removed['offset']}"]


def test_what_a_processor_has_not_got_to_is_pending(deploy: Callable[..., Deployment]) -> None:
    """Without a committed offset all of a branch is pending, which is no violation, and the audit says why."""
    report = judged(deploy, GOOD, FRAUD, GOOD).audit()
    assert report.effects["legit_processor"] == effects_of("legit", 0, 0, 2)
    assert report.clean
    assert "legit_processor has committed nothing, so none of its effects are judged" in report.notes


def test_two_letters_of_one_record_are_found(deploy: Callable[..., Deployment]) -> None:
    """The first letter is the record's effect, a second one makes it two; both are named by the record's place."""
    # They are written by hand, and the ledger knows better.
    pipeline = settled(deploy, GOOD, GOOD)
    forge(pipeline, topics.LEGIT_DEAD_LETTER, b"0:1", source=b"0:1")
    report = pipeline.audit(by_offset=True)
    assert (report.clean, report.effects["legit_processor"]) == (True, effects_of("legit", 1, 1, 0, "offset"))
    forge(pipeline, topics.LEGIT_DEAD_LETTER, b"0:1", source=b"0:1")
    report = pipeline.audit(by_offset=True)
    assert (report.effect_twice, report.examples["effect-twice"]) == (1, ["legit:0:1"])
    assert report.line().endswith("lost=0 duplicated=0 effect-twice=1")


def test_a_letter_of_what_is_not_done_yet_is_judged_next_time(deploy: Callable[..., Deployment]) -> None:
    """Letters above the committed offset may have come after we looked."""
    pipeline = judged(deploy, GOOD, GOOD)
    pipeline.commit_by_hand("legit_processor", 1)
    forge(pipeline, topics.LEGIT_DEAD_LETTER, b"0:1", source=b"0:1")
    forge(pipeline, topics.LEGIT_DEAD_LETTER, b"0:1", source=b"0:1")
    report = pipeline.audit(by_offset=True)
    assert (report.clean, report.effects["legit_processor"]) == (True, effects_of("legit", 1, 0, 1, "offset"))
    pipeline.commit_by_hand("legit_processor", 2)
    assert pipeline.audit(by_offset=True).effect_twice == 1


def test_a_letter_of_nothing_is_found(deploy: Callable[..., Deployment]) -> None:
    """Unknown is a letter of a marker, of a partition the branch lacks, and one that does not say of what it is."""
    pipeline = settled(deploy, GOOD, GOOD)
    # The processor commits its way past the marker behind the last record once it is idle.
    with pipeline.running("legit_processor"):
        eventually(lambda: pipeline.committed("legit_processor").get(0) == 3, WITHIN, "the marker to be passed")
    forge(pipeline, topics.LEGIT_DEAD_LETTER, b"0:1", source=b"0:2")
    forge(pipeline, topics.LEGIT_DEAD_LETTER, b"0:1", source=b"9:0")
    forge(pipeline, topics.LEGIT_DEAD_LETTER, b"0:1")
    report = pipeline.audit()
    assert report.unknown == 3
    assert report.examples["unknown"] == ["legit-dead-letter:0:2", "legit:0:2", "legit:9:0"]


def test_records_that_retention_took_from_a_processor_are_found(deploy: Callable[..., Deployment]) -> None:
    """They are named as a range: nobody will ever settle them."""
    pipeline = judged(deploy, *[GOOD] * 5)
    pipeline.commit_by_hand("legit_processor", 1)
    pipeline.cut(topics.LEGIT, 4)
    report = pipeline.audit()
    assert (report.effect_missing, report.examples["effect-missing"]) == (3, ["legit:0:1-3"])
    assert report.lost == 0


def test_letters_and_markers_outlive_their_records(deploy: Callable[..., Deployment]) -> None:
    """Retention cuts a branch sooner than its dead letters: what is left of them names records that are gone."""
    pipeline = settled(deploy, GOOD, GOOD, GOOD)
    forge(pipeline, topics.LEGIT_DEAD_LETTER, b"0:1", source=b"0:1")
    send_again(pipeline)
    with pipeline.running("legit_processor"):
        done = effects_of("legit", 3, 1, 0, "offset")
        eventually(lambda: pipeline.audit(by_offset=True).effects["legit_processor"] == done, WITHIN, "the retry")
    assert pipeline.audit(by_offset=True).clean
    end = max(record.offset for record in pipeline.records(topics.LEGIT)) + 1
    pipeline.cut(topics.LEGIT, end)
    report = pipeline.audit(by_offset=True)
    assert report.clean, report
    assert any(f"retention has removed legit before 0:{end}" in note for note in report.notes)


def test_a_record_that_says_it_was_sent_again_needs_a_marker(deploy: Callable[..., Deployment]) -> None:
    """Otherwise a duplicate could pass for one that was sent again."""
    pipeline = judged(deploy, GOOD)
    with pipeline.producer() as producer:
        told = [("pipeline.origin", b"0:0"), ("pipeline.attempt", b"1")]
        place = producer.send(pipeline.name(topics.LEGIT), GOOD, headers=told, partition=0).get(30)
    report = pipeline.audit()
    assert (report.unmarked, report.examples["unmarked"]) == (1, [f"legit:0:{place.offset}"])
    assert report.duplicated == 0
