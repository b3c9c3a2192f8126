"""Where the reading side of the loop begins each partition: at what the group has committed, or as is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from kafka.structs import TopicPartition

from pipeline.runtime.record_path import one_by_one
from pipeline.runtime.transactional.commits import CommittedMeanwhileError, OffsetsBehindError
from pipeline.runtime.transactional.effects import NoEffects
from pipeline.runtime.transactional.intake import Intake
from pipeline.runtime.transactional.standing import Standing
from pipeline.runtime.transactional.start import REFUSE, LostOffsetsError
from tests.unit.fake_kafka import FakeConsumer, member
from tests.unit.intake_bench import ONE, ZERO, intake_of, joined, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.runtime.handler import Place


def test_a_log_that_grows_while_the_offset_is_waited_for_is_no_other_log() -> None:
    """The offset of a transaction that is still being decided comes late, and may lie behind an earlier end."""

    class Late(FakeConsumer):
        def committed(self, place: Any, *, metadata: bool = False, timeout_ms: int) -> Any:
            """Return it late."""
            self.ends[place] = 1_020
            return super().committed(place, metadata=metadata, timeout_ms=timeout_ms)

    consumer = Late([({}, member(1))], offsets={ZERO: 1_015}, ends={ZERO: 1_000})
    assert intake_of(consumer).poll(500) is None
    assert consumer.sought == [(ZERO, 1_015)]


def test_effects_that_others_save_while_the_end_is_asked_for_are_of_no_other_log() -> None:
    """A process that is frozen right then has lost its partitions meanwhile, and others have gone on."""

    class Saving(NoEffects):
        def resumed(self, places: Iterable[Place]) -> Mapping[Place, int]:
            """Find what was saved a moment ago, of records that were written a moment ago."""
            consumer.ends[ZERO] = 1_070
            return dict.fromkeys(places, 1_070)

    consumer = FakeConsumer([({}, member(1))], offsets={ZERO: 1_000}, ends={ZERO: 1_000})
    assert intake_of(consumer, effects=Saving()).poll(500) is None
    assert consumer.sought == [(ZERO, 1_000)]


def test_outputs_of_others_who_have_committed_meanwhile_are_no_lost_offsets() -> None:
    """What was committed is asked for again before a person has to decide: it may be known by then."""
    consumer = FakeConsumer([({}, member(1))] * 2, ends={ZERO: 90})

    def others_go_on(_: TopicPartition) -> bool:
        consumer.offsets[ZERO] = 40
        return True

    intake = intake_of(consumer, has_outputs=others_go_on)
    with pytest.raises(CommittedMeanwhileError, match="input:0"):
        intake.poll(500)
    assert consumer.sought == []
    assert intake.poll(500) is None
    assert consumer.sought == [(ZERO, 40)]


def test_new_partitions_are_begun_at_their_beginning() -> None:
    """What has no committed offset and no outputs is read whole."""
    consumer = FakeConsumer([({}, member(1))], beginnings={ZERO: 12}, ends={ZERO: 90})
    assert intake_of(consumer).poll(500) is None
    assert consumer.sought == [(ZERO, 12)]


@pytest.mark.parametrize(
    ("offsets", "outputs"),
    [({ZERO: 11}, False), ({ZERO: 91}, False), ({}, True)],
    ids=["retention", "other", "outputs"],
)
def test_losses_are_for_a_person_to_decide(offsets: dict[Any, int | None], *, outputs: bool) -> None:
    """An offset outside of the log, or none although outputs exist, is not passed over."""
    consumer = FakeConsumer([({}, member(1))], offsets=offsets, beginnings={ZERO: 12}, ends={ZERO: 90})
    with pytest.raises(LostOffsetsError, match="input:0"):
        intake_of(consumer, outputs=outputs).poll(500)
    assert consumer.sought == []


def test_outputs_are_looked_for_by_the_partition_that_lacks_an_offset() -> None:
    """Looking is slow: it is done for the partitions that need it alone."""
    asked: list[TopicPartition] = []
    consumer = FakeConsumer([({}, member(1))], offsets={ZERO: 5}, assigned={ZERO, ONE, TopicPartition("input", 2)})
    intake = Intake(
        lambda: consumer,
        read=one_by_one(is_input=True).read,
        lost=REFUSE,
        has_outputs=lambda place: bool(asked.append(place)),  # type: ignore[func-returns-value]
    )
    intake.poll(500)
    assert asked == [ONE, TopicPartition("input", 2)]


@pytest.mark.parametrize(
    "error", [NoOffsetForPartitionError([ZERO]), OffsetOutOfRangeError({ZERO: 5})], ids=["none", "out of range"]
)
def test_a_position_that_the_log_has_not_is_decided_again(error: Exception) -> None:
    """The client decides nothing: it raises, and every partition is sought as at the start."""
    consumer = FakeConsumer([], offsets={ZERO: 40})
    intake = joined(consumer)
    consumer.polls += [(error, member(1)), (some(40), member(1))]
    assert intake.poll(500) is None
    assert consumer.sought == [(ZERO, 40)]
    assert intake.poll(500) is not None


def test_without_partitions_nothing_is_sought() -> None:
    """A member more than there are partitions idles."""
    consumer = FakeConsumer([({}, member(1))], assigned=set())
    assert intake_of(consumer).poll(500) is None
    assert consumer.sought == []


def test_a_partition_that_was_just_added_is_asked_for_again() -> None:
    """The client answers with a KeyError while nobody leads it: no end of a service."""
    consumer = FakeConsumer([({}, member(1))], raises={"beginning_offsets": [KeyError(ONE)]})
    intake = intake_of(consumer)
    with pytest.raises(LeaderNotAvailableError, match="partition=1"):
        intake.poll(500)


class Notes:
    """Marks that count, and keep what they find; ``wrong`` are errors for a takeover, one a time."""

    def __init__(self, *wrong: BaseException) -> None:
        self.found: list[dict[Place, str]] = []
        self.wrong = list(wrong)
        self._count = 0

    def next(self) -> str:
        """Return the next."""
        self._count += 1
        return f"mark={self._count}"

    def taken_over(self, found: Any) -> None:
        """Keep it."""
        self.found.append(found)
        if self.wrong:
            raise self.wrong.pop(0)


def test_a_mark_is_committed_behind_the_token_and_found_at_a_takeover() -> None:
    """The token still tells a batch its own; a partition without a commit has no mark."""
    notes = Notes()
    consumer = FakeConsumer([({}, member(1)), (some(7), member(1))], offsets={ZERO: 7, ONE: None})
    consumer.assigned = {ZERO, ONE}
    consumer.notes[ZERO] = "other:3 mark=9"
    intake = intake_of(consumer, marks=notes)
    assert intake.poll(500) is None
    assert notes.found == [{ZERO: "other:3 mark=9"}]
    batch = intake.poll(500)
    assert batch is not None
    (end,) = batch.ends.values()
    assert end.metadata == f"{batch.token}"
    assert batch.token.endswith(":1 mark=1")
    consumer.offsets[ZERO], consumer.notes[ZERO] = 8, batch.token
    assert intake.has_committed(batch)


def test_nothing_is_handed_out_before_a_takeover_has_succeeded() -> None:
    """The poll fails as where the cluster does not answer, and what comes next looks again."""
    notes = Notes(KafkaTimeoutError("behind"))
    consumer = FakeConsumer([({}, member(1)), (some(7), member(1)), (some(7), member(1))], offsets={ZERO: 7})
    intake = intake_of(consumer, marks=notes)
    with pytest.raises(KafkaTimeoutError):
        intake.poll(500)
    assert consumer.sought == []
    assert intake.poll(500) is None
    assert consumer.sought == [(ZERO, 7)]
    assert intake.poll(500) is not None
    assert len(notes.found) == 2


@pytest.mark.parametrize("answer", [None, 6])
def test_an_answer_that_takes_back_what_was_committed_is_not_believed(answer: int | None) -> None:
    """A coordinator that has just started may not know all of it yet: it is asked again, and nothing is read twice."""
    consumer = FakeConsumer([], offsets={ZERO: 5})
    intake = joined(consumer)
    consumer.polls.append((some(5, 6), consumer.membership))
    batch = intake.poll(500)
    assert batch is not None
    consumer.offsets[ZERO] = 7
    intake.settled(batch)
    consumer.offsets[ZERO] = answer
    with pytest.raises(OffsetsBehindError, match="offset 7 was"):
        intake.rewind()
    assert not consumer.sought
    consumer.offsets[ZERO] = 7
    intake.rewind()
    assert consumer.sought == [(ZERO, 7)]


def test_a_partition_that_went_away_may_come_back_with_any_offset() -> None:
    """Somebody may have reset it meanwhile, which takes that nobody reads."""
    consumer = FakeConsumer([], offsets={ZERO: 5})
    intake = joined(consumer)
    consumer.assigned = {ONE}
    intake.rewind()
    consumer.assigned, consumer.offsets[ZERO] = {ZERO}, 2
    intake.rewind()
    assert consumer.sought[-1] == (ZERO, 2)


def test_who_begins_anew_under_the_same_membership_stays_ready() -> None:
    """Behind an abort, or a poll that failed: what came meanwhile is lag, as it was before."""
    consumer = FakeConsumer([], offsets={ZERO: 40, ONE: 7}, ends={ZERO: 40, ONE: 9}, assigned={ZERO, ONE})
    intake = joined(consumer)
    assert intake.standing().why_not == "catching up with input:1"
    consumer.ends = {ZERO: 1_000, ONE: 30}
    intake.rewind()
    assert intake.standing() == Standing("catching up with input:1", {ZERO: 960, ONE: 23})
    consumer.offsets[ONE] = 9
    intake.rewind()
    assert intake.standing().why_not == ""
    consumer.polls += [(KafkaConnectionError(), member(1)), ({}, member(1))]
    with pytest.raises(KafkaConnectionError):
        intake.poll(500)
    assert intake.standing().why_not == "no place in the group yet"
    assert intake.poll(500) is None
    assert intake.standing() == Standing("", {ZERO: 960, ONE: 21})
    consumer.polls.append(({}, member(2)))
    assert intake.poll(500) is None
    assert intake.standing().why_not == "catching up with input:0, input:1"
