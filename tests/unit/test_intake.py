"""The reading side of the loop: batches only under a membership that holds, and where each partition is begun."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnknownBrokerIdError,
)
from kafka.structs import MemberState, TopicPartition

from pipeline.runtime.record_path import one_by_one
from pipeline.runtime.transactional import intake as intake_module
from pipeline.runtime.transactional.intake import Intake, OffsetsBehindError
from pipeline.runtime.transactional.standing import Standing
from pipeline.runtime.transactional.standstill import Standstill
from pipeline.runtime.transactional.start import REFUSE, LostOffsetsError
from tests.support.pieces import records_of
from tests.unit.fake_kafka import FakeConsumer, Raw, member
from tests.unit.intake_bench import LEFT, ONE, ZERO, intake_of, joined, some

if TYPE_CHECKING:
    from pipeline.runtime.handler import Place


def test_a_batch_comes_with_the_membership_it_was_read_under() -> None:
    """The metadata is taken directly behind the poll, and belongs to that batch for ever."""
    consumer = FakeConsumer([])
    intake = joined(consumer)
    membership = member(1)
    consumer.polls.append((some(5, 6), membership))
    batch = intake.poll(500)
    assert batch is not None
    assert batch.membership is membership
    assert len(batch) == 2
    assert consumer.sought == []


def test_nothing_polled_is_no_batch() -> None:
    """An idle topic opens no transaction."""
    consumer = FakeConsumer([])
    assert joined(consumer).poll(500) is None


@pytest.mark.parametrize(
    "membership",
    [
        member(-1),
        member(3, ""),
        LEFT,
        member(3, "m", MemberState.REBALANCING),
        member(3, "m", MemberState.UNJOINED),
    ],
    ids=["no generation", "no member", "left", "rebalancing", "unjoined"],
)
def test_what_is_read_without_a_valid_membership_is_dropped(membership: Any) -> None:
    """The broker would take such offsets unfenced: nothing of it may be handled, before and after a valid one."""
    consumer = FakeConsumer([(some(5), membership), ({}, member(1)), (some(5), membership), (some(5), member(1))])
    intake = intake_of(consumer)
    assert [intake.poll(500) for _ in range(4)] == [None, None, None, None]


def test_after_an_invalid_membership_every_partition_is_sought_again() -> None:
    """A member that was thrown out and returned holds positions of what others may have handled meanwhile."""
    consumer = FakeConsumer([], offsets={ZERO: 7})
    intake = joined(consumer)
    consumer.polls += [(some(5), LEFT), (some(6), member(1)), (some(7), member(1))]
    assert intake.poll(500) is None
    assert intake.poll(500) is None
    assert consumer.sought == [(ZERO, 7)]
    batch = intake.poll(500)
    assert batch is not None
    assert [record.offset for record in records_of(batch)] == [7]


@pytest.mark.parametrize("changed", [member(2), member(1, "other"), member(0)])
def test_a_batch_under_another_membership_is_dropped_and_every_partition_sought(changed: Any) -> None:
    """Whether generation or member changed, reading goes on at what the group has committed."""
    consumer = FakeConsumer([], offsets={ZERO: 40, ONE: 50}, assigned={ZERO, ONE})
    intake = joined(consumer)
    consumer.polls.append((some(90, 91), changed))
    assert intake.poll(500) is None
    assert consumer.sought == [(ZERO, 40), (ONE, 50)]


def test_a_rewind_that_failed_is_made_up_for() -> None:
    """Where the offsets could not be had, nothing is handed out before they were."""
    consumer = FakeConsumer([], offsets={ZERO: 40})
    intake = joined(consumer)
    consumer.polls += [(some(90), member(2)), (some(91), member(2)), (some(40), member(2))]
    consumer.raises["committed"] = [KafkaTimeoutError()]
    with pytest.raises(KafkaTimeoutError):
        intake.poll(500)
    assert intake.poll(500) is None
    assert consumer.sought == [(ZERO, 40)]
    batch = intake.poll(500)
    assert batch is not None
    assert [record.offset for record in records_of(batch)] == [40]


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


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from([member(1), member(2), member(2, "other"), LEFT, member(-1), member(3, "")]),
        ),
        max_size=30,
    )
)
def test_a_batch_is_handed_out_only_directly_behind_a_poll_of_the_same_valid_membership(
    steps: list[tuple[int, Any]],
) -> None:
    """Over any history of memberships, whatever is handed out was read under the one that the last poll saw."""
    consumer = FakeConsumer([])
    intake = intake_of(consumer)
    last: Any = None
    for records, membership in steps:
        consumer.polls.append(({ZERO: [Raw(offset) for offset in range(records)]} if records else {}, membership))
        seeks = len(consumer.sought)
        batch = intake.poll(500)
        valid = membership.generation_id >= 0 and bool(membership.member_id)
        assert (batch is not None) is (valid and membership == last and records > 0)
        assert (len(consumer.sought) > seeks) is (valid and membership != last)
        last = membership if valid else None


def test_leaving_the_group_takes_no_longer_than_it_may() -> None:
    """Nothing is committed on the way out, and a group that does not answer is left alone."""
    consumer = FakeConsumer([], raises={"close": [KafkaConnectionError()]})
    intake_of(consumer).close()
    assert consumer.closed == [{"autocommit": False, "timeout_ms": 5_000}]


def test_staying_reads_nothing_and_going_on_begins_at_the_committed_offsets() -> None:
    """Who reads nothing for a while stays a member; what was fetched meanwhile, and its positions, do not count."""
    consumer = FakeConsumer([], offsets={ZERO: 40})
    intake = joined(consumer)
    consumer.polls += [(some(90), member(1)), (NoOffsetForPartitionError([ZERO]), member(1)), ({}, member(1))]
    intake.stay()
    intake.stay()
    assert consumer.held == {ZERO}
    intake.go_on()
    assert consumer.held == set()
    assert intake.poll(500) is None
    assert consumer.sought == [(ZERO, 40)]
    consumer.polls.append((some(40), member(1)))
    assert intake.poll(500) is not None


def test_what_was_read_beyond_the_last_record_is_handed_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Markers take offsets too: retention must not find the group behind them one day."""
    seconds = count(100, 10)
    monkeypatch.setattr(intake_module, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    consumer = FakeConsumer([], offsets={ZERO: 5, ONE: 2}, assigned={ZERO, ONE}, positions={ZERO: 6, ONE: 2})
    intake = joined(consumer)
    batch = intake.poll(500)
    assert batch is not None
    assert [(place, end.offset) for place, end in batch.ends.items()] == [(ZERO, 6)]
    assert len(batch) == 0
    assert records_of(batch) == []
    assert intake.poll(500) is None
    intake.rewind()
    again = intake.poll(500)
    assert again is not None
    assert again.ends[ZERO].offset == 6


def test_positions_of_quiet_partitions_go_with_the_records_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where records come all the time, no transaction of its own is needed; where records came, their end counts."""
    seconds = count(100, 10)
    monkeypatch.setattr(intake_module, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    consumer = FakeConsumer([], offsets={ZERO: 5, ONE: 2}, assigned={ZERO, ONE}, positions={ZERO: 9, ONE: 3})
    intake = joined(consumer)
    consumer.polls.append((some(5, 6), member(1)))
    batch = intake.poll(500)
    assert batch is not None
    assert {place: end.offset for place, end in batch.ends.items()} == {ZERO: 7, ONE: 3}


def test_positions_that_cannot_be_had_cost_no_records() -> None:
    """The records of the same poll are handed out: behind them the client's own position has moved on already."""
    consumer = FakeConsumer([], offsets={ZERO: 5}, positions={ZERO: 7}, raises={"position": [KafkaConnectionError()]})
    intake = joined(consumer)
    consumer.polls.append((some(5, 6), member(1)))
    batch = intake.poll(500)
    assert batch is not None
    assert [record.offset for record in records_of(batch)] == [5, 6]


def test_whatever_goes_wrong_behind_a_poll_is_read_again() -> None:
    """Records that were polled and not handed out must not be passed over by the next batch."""
    consumer = FakeConsumer([], offsets={ZERO: 5}, positions={ZERO: 7}, raises={"position": [ValueError("a bug")]})
    intake = joined(consumer)
    consumer.polls += [(some(5, 6), member(1)), ({}, member(1)), (some(5, 6), member(1))]
    with pytest.raises(ValueError, match="a bug"):
        intake.poll(500)
    assert intake.poll(500) is None
    assert consumer.sought == [(ZERO, 5)]


def test_what_the_poll_itself_had_taken_when_it_failed_is_read_again() -> None:
    """It asks for the next records behind those it has taken, and their positions have moved by then."""
    consumer = FakeConsumer([], offsets={ZERO: 5}, positions={ZERO: 7})
    intake = joined(consumer)
    failed: Any = UnknownBrokerIdError(3)
    consumer.polls += [(failed, member(1)), ({}, member(1)), (some(5, 6), member(1))]
    with pytest.raises(UnknownBrokerIdError):
        intake.poll(500)
    assert intake.poll(500) is None
    assert consumer.sought == [(ZERO, 5)]
    batch = intake.poll(500)
    assert batch is not None
    assert [record.offset for record in records_of(batch)] == [5, 6]


def test_positions_are_looked_at_once_a_second() -> None:
    """A marker behind every batch would else be a transaction behind every transaction."""
    consumer = FakeConsumer([], offsets={ZERO: 5}, positions={ZERO: 6})
    intake = joined(consumer)
    assert intake.poll(500) is not None
    consumer.positions[ZERO] = 7
    assert intake.poll(500) is None


def test_a_partition_that_was_just_added_is_asked_for_again() -> None:
    """The client answers with a KeyError while nobody leads it: no end of a service."""
    consumer = FakeConsumer([({}, member(1))], raises={"beginning_offsets": [KeyError(ONE)]})
    intake = intake_of(consumer)
    with pytest.raises(LeaderNotAvailableError, match="partition=1"):
        intake.poll(500)


def test_a_consumer_that_hangs_is_replaced() -> None:
    """The new one joins anew and begins at the committed offsets; the old one has left the group."""
    hanging = FakeConsumer([], offsets={ZERO: 5}, positions={ZERO: 7}, ends={ZERO: 99})
    fresh = FakeConsumer([({}, member(2)), (some(5), member(2))], offsets={ZERO: 5})
    consumers = iter([hanging, fresh])
    intake = Intake(lambda: next(consumers), read=one_by_one(is_input=True).read, lost=REFUSE, has_outputs=bool)
    seconds = iter(range(0, 10_000, 10))
    intake._standstill = Standstill(lambda: next(seconds))  # noqa: SLF001 (the clock is not the intake's business)
    batch = None
    for _ in range(9):
        batch = batch or intake.poll(500)
    assert batch is not None
    assert (len(hanging.closed), fresh.sought, list(batch.ends)) == (1, [(ZERO, 5)], [ZERO])


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
