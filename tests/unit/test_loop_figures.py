"""The figures of the loop: what is handled for good, how old it was, and how much waits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import KafkaTimeoutError
from kafka.structs import OffsetAndMetadata, TopicPartition

from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.runtime.transactional.figures import LoopFigures, ages_of
from pipeline.runtime.transactional.progress import Progress
from pipeline.runtime.transactional.standing import Reach, Standing
from pipeline.runtime.vitals import Distribution, metrics
from tests.unit.fake_parts import Rig, batch_of
from tests.unit.samples import record

ZERO, ONE = TopicPartition("in", 0), TopicPartition("in", 1)


def told(figures: LoopFigures, metric: metrics.Metric) -> dict[tuple[str, ...], Any]:
    """Return the figures of one metric by their labels."""
    return {one.labels: one.value for one in figures.figures() if one.metric == metric}


def test_what_is_committed_is_counted_once() -> None:
    """Records by topic, batches, dead letters by reason; nothing of what was undone."""
    figures = LoopFigures()
    progress = Progress(figures)
    progress.add_letter(record(b""), InvalidMessageError(Reason.EMPTY, "empty"))
    progress.aborted()
    progress.add_letter(record(b""), InvalidMessageError(Reason.EMPTY, "empty"))
    progress.add(batch_of(0, 1), 0.02)
    progress.add(batch_of(2), 0.02)
    assert told(figures, metrics.RECORDS) == {("input",): 3}
    assert told(figures, metrics.BATCHES) == {(): 2}
    assert told(figures, metrics.ABORTS) == {(): 1}
    assert {labels: count for labels, count in told(figures, metrics.DEAD_LETTERS).items() if count} == {
        ("input", "empty"): 1
    }
    seconds = told(figures, metrics.BATCH_SECONDS)[()]
    assert isinstance(seconds, Distribution)
    assert dict(seconds.cumulative())["0.025"] == 2


def test_the_first_dead_letter_is_a_change() -> None:
    """Every reason is told from the begin, of every topic that is read: nobody sees the rate of what was not there."""
    figures = LoopFigures()
    figures.lags = {ZERO: 0, ONE: 7}
    assert told(figures, metrics.DEAD_LETTERS) == {("in", reason.value): 0 for reason in Reason}


class _Piece:
    """Some records between two moments."""

    def __init__(self, records: int, first_ms: int, last_ms: int) -> None:
        self.records, self.between = records, (first_ms, last_ms)

    def __len__(self) -> int:
        return self.records

    def times_ms(self) -> tuple[int, int]:
        """Return the two."""
        return self.between


@given(records=st.integers(1, 100_000), first=st.integers(0, 10**6), span=st.integers(0, 10**5))
def test_ages_lie_between_those_of_the_ends_and_every_record_has_one(records: int, first: int, span: int) -> None:
    """A few points stand for all of a batch, the first and the last among them."""
    now = 10**6 + 10**5
    found = list(ages_of(_Piece(records, first, first + span), now))  # type: ignore[arg-type] # what is needed of it
    assert sum(times for _, times in found) == records
    assert all(times > 0 for _, times in found)
    assert found[0][0] == now - first
    if records > 1:
        assert found[-1][0] == now - first - span


def test_a_record_from_the_future_is_new() -> None:
    """Clocks differ: no age is below nothing."""
    assert list(ages_of(_Piece(1, 500, 500), 100)) == [(0, 1)]  # type: ignore[arg-type]


def test_a_partition_is_caught_up_with_once_all_is_handled_that_it_had() -> None:
    """What comes meanwhile is lag, and no reason not to be ready."""
    reach, ends = Reach(), {ZERO: 10, ONE: 5}
    assert reach.standing(ends.get, remembering=False).why_not
    reach.begin({ZERO: 4, ONE: 5}, {ZERO: 10, ONE: 5})
    assert reach.standing(ends.get, remembering=True) == Standing(
        "what the rules look back to is being read", {ZERO: 6, ONE: 0}
    )
    assert reach.standing(ends.get, remembering=False).why_not == "catching up with in:0"
    ends = {ZERO: 30}
    reach.settled({ZERO: OffsetAndMetadata(10, "")})
    assert reach.standing(ends.get, remembering=False) == Standing("", {ZERO: 20, ONE: 0})


def test_a_loop_says_why_it_is_not_ready() -> None:
    """As reading stands, at every turn until all is well."""
    rig = Rig(None, None)
    rig.intake.stands = Standing("catching up", {ZERO: 3})
    rig.run()
    assert rig.vitals.why_not == "catching up"
    lags = [one for one in rig.vitals.figures() if one.metric == metrics.LAG]
    assert [(one.labels, one.value) for one in lags] == [(("in", "0"), 3)]


@pytest.mark.parametrize("committed", [True, False])
def test_a_batch_whose_outcome_was_unclear_is_counted_by_what_became_of_it(*, committed: bool) -> None:
    """Committed after all, it is handled; otherwise it was undone."""
    rig = Rig(batch_of(0))
    rig.wrong(commit=[KafkaTimeoutError("late")])
    rig.intake.outcomes = [committed]
    rig.run()
    found = {one.metric.name: one.value for one in rig.vitals.figures()}
    assert found["fraud_batches_total"] == int(committed)
    assert found["fraud_batches_aborted_total"] == int(not committed)
