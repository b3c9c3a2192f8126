"""The reading side of the loop: batches are handed out only under a membership that holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    NoOffsetForPartitionError,
    UnknownBrokerIdError,
)
from kafka.structs import MemberState

from pipeline.runtime.record_path import one_by_one
from pipeline.runtime.transactional.intake import Intake
from pipeline.runtime.transactional.standstill import Standstill
from pipeline.runtime.transactional.start import REFUSE
from tests.support.pieces import records_of
from tests.unit.fake_kafka import FakeConsumer, Raw, member
from tests.unit.intake_bench import LEFT, ONE, ZERO, intake_of, joined, some


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


@pytest.mark.parametrize("membership", [member(1), member(1, state=MemberState.REBALANCING)], ids=["reads", "joins"])
def test_a_consumer_that_hangs_is_replaced(membership: Any) -> None:
    """The new one joins anew and begins at the committed offsets; the old one has left the group."""
    hanging = FakeConsumer([], offsets={ZERO: 5}, positions={ZERO: 7}, ends={ZERO: 99}, membership=membership)
    fresh = FakeConsumer([({}, member(2)), (some(5), member(2))], offsets={ZERO: 5})
    consumers = iter([hanging, fresh])
    intake = Intake(lambda: next(consumers), read=one_by_one(is_input=True).read, lost=REFUSE, has_outputs=bool)
    seconds = iter(range(0, 10_000, 10))
    intake._standstill = Standstill(lambda: next(seconds))  # noqa: SLF001 (the clock is not the intake's business)
    batch = None
    for _ in range(50):
        batch = batch or intake.poll(500)
    assert batch is not None
    assert (len(hanging.closed), fresh.sought, list(batch.ends)) == (1, [(ZERO, 5)], [ZERO])
