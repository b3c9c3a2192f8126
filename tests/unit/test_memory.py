"""What a handler remembers stands where reading begins, wherever a partition was before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kafka.errors import KafkaConnectionError
from kafka.structs import TopicPartition

from pipeline.runtime.places import named
from pipeline.runtime.transactional.restoring import Restoring
from pipeline.runtime.vitals import metrics
from tests.unit.fake_kafka import FakeConsumer, member
from tests.unit.fake_memory import FakeLog, FakeSnapshots, RememberingHandler
from tests.unit.intake_bench import ONE, ZERO, remembering, some

if TYPE_CHECKING:
    from pipeline.runtime.transactional.batch import Batch
    from pipeline.runtime.transactional.intake import Intake


class Rig:
    """A member of two partitions, of which offsets 5 and 2 are committed."""

    def __init__(self, handler: RememberingHandler | None = None, held: dict[Any, int] | None = None) -> None:
        self.handler = handler or RememberingHandler()
        self.log = FakeLog()
        self.snapshots = FakeSnapshots(self.handler, held or {})
        self.consumer = FakeConsumer([], offsets={ZERO: 5, ONE: 2}, assigned={ZERO, ONE})
        self.intake: Intake = remembering(self.consumer, self.log, self.handler, self.snapshots if held else None)

    def turn(self, polled: object = None, membership: object = None) -> Batch | None:
        """Poll once; nothing comes unless it is said."""
        self.consumer.polls.append((polled or {}, membership or self.consumer.membership))  # type: ignore[arg-type]
        return self.intake.poll(500)

    def remembered(self, turns: int = 20) -> None:
        """Poll until everything is remembered."""
        for _ in range(turns):
            assert self.turn() is None
            if self.log.closed == len(self.log.opened) and not self.consumer.held:
                return
        raise AssertionError("it never came to an end")

    def handled(self, polled: object) -> Batch:
        """Poll records and take them through the handler as the loop does, up to the outcome."""
        batch = self.turn(polled)
        assert batch is not None
        for piece in batch.pieces():
            for record in piece:
                self.handler.handle(record)
        return batch

    def commit(self, batch: Batch) -> None:
        """Let a batch be committed."""
        for place, end in batch.ends.items():
            self.consumer.offsets[place] = end.offset
        self.intake.settled(batch)
        self.handler.committed()


def test_nothing_is_handed_out_before_what_came_before_is_remembered() -> None:
    """Up to below the committed offsets and not beyond, while the group still hears from us."""
    rig = Rig()
    assert rig.turn() is None
    assert rig.consumer.held == {ZERO, ONE}
    assert rig.log.opened == [{0: 5, 1: 2}]
    rig.remembered()
    assert rig.handler.seen == {0: [0, 1, 2, 3, 4], 1: [0, 1]}
    assert not rig.consumer.polls
    rig.commit(rig.handled(some(5, 6)))
    assert rig.handler.seen[0] == [0, 1, 2, 3, 4, 5, 6]


def test_how_long_it_took_is_told_when_it_is_over() -> None:
    """From the begin of a restore to its end, those of snapshots and of the log together."""
    handler, log = RememberingHandler(), FakeLog()
    restoring = Restoring(log, handler, log.now)
    restoring.resumed({ZERO: 5}, {ZERO: 5})
    assert list(restoring.figures()) == []
    while restoring.under_way:
        restoring.go_on()
    ((metric, seconds, labels),) = restoring.figures()
    assert (metric, labels) == (metrics.RESTORE_SECONDS, ())
    assert seconds == log.clock > 0


def test_a_stretch_is_short() -> None:
    """Between two of them the consumer is polled, so that the group does not take it for dead."""
    rig = Rig()
    rig.turn()
    before = rig.log.clock
    rig.turn()
    assert rig.log.clock - before <= 1.0
    assert rig.consumer.held


def test_who_remembers_nothing_begins_at_once() -> None:
    """The processors, and rules that look at no past."""
    rig = Rig(RememberingHandler(reach_ms=0))
    rig.turn()
    assert not rig.consumer.held
    assert not rig.log.opened
    assert rig.turn(some(5)) is not None


def test_what_stands_where_it_was_left_is_kept() -> None:
    """After a rebalance only what others may have moved on is read again."""
    rig = Rig()
    rig.remembered()
    rig.commit(rig.handled(some(5, 6)))
    rig.consumer.offsets[ONE] = 3
    assert rig.turn(membership=member(2)) is None
    assert rig.handler.kept[-1] == [0]
    assert rig.log.opened[-1] == {1: 3}
    rig.remembered()
    assert rig.handler.seen == {0: [0, 1, 2, 3, 4, 5, 6], 1: [0, 1, 2]}


def test_a_batch_that_was_undone_costs_no_second_reading() -> None:
    """After an abort reading goes back to where memory stands, also in the first batch of all."""
    rig = Rig()
    rig.remembered()
    rig.handled(some(5, 6))
    rig.handler.aborted()
    rig.intake.rewind()
    assert len(rig.log.opened) == 1
    assert rig.handler.kept[-1] == [0, 1]
    assert rig.handler.seen == {0: [0, 1, 2, 3, 4], 1: [0, 1]}


def test_the_same_end_committed_by_another_is_not_ours() -> None:
    """A batch of ours was aborted and handled by a successor: what it held is not remembered here."""
    rig = Rig()
    rig.remembered()
    rig.handled(some(5, 6))
    rig.handler.aborted()
    rig.consumer.offsets[ZERO] = 7
    rig.turn(membership=member(2))
    assert rig.log.opened[-1] == {0: 7}
    rig.remembered()
    assert rig.handler.seen[0] == [0, 1, 2, 3, 4, 5, 6]


def test_partitions_of_several_topics_are_kept_apart() -> None:
    """They have the same numbers: one may stand where it was left while the other has moved on."""
    rig = Rig()
    hop = TopicPartition("hop", 0)
    rig.consumer.offsets, rig.consumer.assigned = {ZERO: 5, hop: 2}, {ZERO, hop}
    rig.remembered()
    assert rig.handler.seen == {0: [0, 1, 2, 3, 4], "hop:0": [0, 1]}
    rig.commit(rig.handled(some(2, place=hop)))
    rig.consumer.offsets[ZERO] = 6
    rig.turn(membership=member(2))
    assert rig.handler.kept[-1] == ["hop:0"]
    assert rig.log.opened[-1] == {0: 6}
    rig.remembered()
    assert rig.handler.seen == {0: [0, 1, 2, 3, 4, 5], "hop:0": [0, 1, 2]}


def test_a_partition_is_told_with_its_topic_where_there_are_several() -> None:
    """As in the log: numbers alone, as long as they say it all."""
    assert list(named([ONE, ZERO]).values()) == [0, 1]
    assert list(named([ZERO, TopicPartition("hop", 0)]).values()) == ["hop:0", "input:0"]


def test_a_partition_that_went_away_is_forgotten() -> None:
    """Even where it comes back later with the same offset: it may have been reset meanwhile."""
    rig = Rig()
    rig.remembered()
    rig.consumer.assigned = {ONE}
    rig.turn(membership=member(2))
    assert rig.handler.seen == {1: [0, 1]}
    rig.consumer.assigned = set()
    rig.intake.rewind()
    assert rig.handler.seen == {}
    rig.consumer.assigned = {ZERO, ONE}
    rig.turn(membership=member(3))
    assert rig.log.opened[-1] == {0: 5, 1: 2}


def test_a_rebalance_in_the_midst_begins_anew() -> None:
    """What was remembered in part is dropped, and nothing stays paused that is not read."""
    rig = Rig()
    rig.turn()
    rig.turn()
    rig.consumer.assigned = {ZERO}
    rig.consumer.held = {ZERO}
    rig.turn(membership=member(2))
    assert rig.log.opened[-1] == {0: 5}
    rig.remembered()
    assert rig.handler.seen == {0: [0, 1, 2, 3, 4]}


def test_what_cannot_be_read_is_tried_again() -> None:
    """The error is the client's, so the loop is patient with it; memory is whole before anything is handed out."""
    rig = Rig()
    rig.turn()
    rig.turn()
    rig.log.wrong.append(KafkaConnectionError("gone"))
    with pytest.raises(KafkaConnectionError):
        rig.turn()
    rig.turn()
    assert len(rig.log.opened) == 2
    rig.remembered()
    assert rig.handler.seen == {0: [0, 1, 2, 3, 4], 1: [0, 1]}


def test_rules_that_look_back_no_more_end_it() -> None:
    """Rules may change in the midst of it; then reading goes on."""
    rig = Rig()
    rig.turn()
    rig.handler.reach = 0
    rig.turn(membership=member(2))
    assert not rig.consumer.held
    assert rig.turn(some(5)) is not None


def test_what_has_to_be_remembered_may_change() -> None:
    """Rules that look at something else know it before they judge: what was polled comes again behind that."""
    rig = Rig()
    rig.remembered()
    rig.commit(rig.handled(some(5, 6)))
    rig.consumer.sought.clear()
    rig.handler.changes += 1
    assert rig.turn(some(7)) is None
    assert rig.handler.kept[-1] == []
    assert rig.consumer.sought == [(ZERO, 7), (ONE, 2)]
    rig.remembered()
    assert rig.handler.seen == {0: [0, 1, 2, 3, 4, 5, 6], 1: [0, 1]}
    rig.commit(rig.handled(some(7)))


def test_closing_leaves_nothing_open() -> None:
    """The connection that reads the log is closed with the rest."""
    rig = Rig()
    rig.turn()
    rig.intake.close()
    assert rig.log.closed == 1


def test_the_log_is_read_on_behind_a_snapshot() -> None:
    """And from where rules look back to, of a partition that has none; nothing is handed out before."""
    rig = Rig(held={ZERO: 3})
    assert rig.turn() is None
    assert rig.consumer.held == {ZERO, ONE}
    assert rig.log.opened == []
    rig.remembered()
    assert rig.handler.seen == {0: [0, 1, 2, 3, 4], 1: [0, 1]}
    rig.commit(rig.handled(some(5, 6)))
    assert rig.handler.seen[0] == [0, 1, 2, 3, 4, 5, 6]


def test_a_rebalance_while_a_snapshot_is_read_begins_anew() -> None:
    """What was brought back in part is dropped, and the reading left."""
    rig = Rig(held={ZERO: 3})
    rig.turn()
    rig.consumer.assigned = {ZERO}
    rig.turn(membership=member(2))
    assert rig.snapshots.left
    rig.remembered()
    assert rig.handler.seen == {0: [0, 1, 2, 3, 4]}


def test_snapshots_are_kept_between_batches_of_what_is_committed() -> None:
    """At the offsets where memory stands, and never while anything is staged or being remembered."""
    rig = Rig(held={ZERO: 3})
    rig.remembered()
    assert rig.snapshots.rested == []
    batch = rig.handled(some(5, 6))
    assert rig.snapshots.rested == [{0: 5, 1: 2}]
    rig.commit(batch)
    rig.turn()
    assert rig.snapshots.rested[-1] == {0: 7, 1: 2}
    rig.handler.changes += 1
    rig.turn(some(7))
    assert len(rig.snapshots.rested) == 2
