"""What is committed of partitions in which nothing came: how far was read over markers and aborted records."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING

from kafka.errors import (
    KafkaConnectionError,
)

from pipeline.runtime.transactional import positions as positions_module
from tests.support.pieces import records_of
from tests.unit.fake_kafka import FakeConsumer, member
from tests.unit.intake_bench import ONE, ZERO, joined, some

if TYPE_CHECKING:
    import pytest


def test_what_was_read_beyond_the_last_record_is_handed_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Markers take offsets too: retention must not find the group behind them one day."""
    seconds = count(100, 10)
    monkeypatch.setattr(positions_module, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
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
    monkeypatch.setattr(positions_module, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
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


def test_positions_are_looked_at_once_a_second() -> None:
    """A marker behind every batch would else be a transaction behind every transaction."""
    consumer = FakeConsumer([], offsets={ZERO: 5}, positions={ZERO: 6})
    intake = joined(consumer)
    assert intake.poll(500) is not None
    consumer.positions[ZERO] = 7
    assert intake.poll(500) is None
