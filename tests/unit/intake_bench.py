"""An intake whose consumer is a stand-in, for tests of what it hands out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka.structs import MemberState, TopicPartition

from pipeline.runtime.record_path import one_by_one
from pipeline.runtime.transactional.intake import Intake
from pipeline.runtime.transactional.restoring import Restoring
from pipeline.runtime.transactional.start import REFUSE
from tests.unit.fake_kafka import FakeConsumer, Raw, member

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.runtime.handler import Marks
    from pipeline.runtime.transactional.effects import Effects
    from tests.unit.fake_memory import FakeLog, FakeSnapshots, RememberingHandler

ZERO, ONE = TopicPartition("input", 0), TopicPartition("input", 1)
LEFT = member(-1, "", MemberState.UNJOINED)


def intake_of(  # noqa: PLR0913 (all that an intake can be given)
    consumer: FakeConsumer,
    *,
    is_input: bool = True,
    outputs: bool = False,
    marks: Marks | None = None,
    effects: Effects | None = None,
    has_outputs: Callable[[TopicPartition], bool] | None = None,
) -> Intake:
    """Return an intake that refuses to decide about losses."""
    read = one_by_one(is_input=is_input).read
    seen = has_outputs or (lambda _: outputs)
    return Intake(lambda: consumer, read=read, lost=REFUSE, has_outputs=seen, marks=marks, effects=effects)


def remembering(
    consumer: FakeConsumer, log: FakeLog, handler: RememberingHandler, snapshots: FakeSnapshots | None = None
) -> Intake:
    """Return an intake of a handler with memory, which comes from ``log``, and from ``snapshots`` of it."""
    read = one_by_one(is_input=True).read
    memory = Restoring(log, handler, log.now, snapshots)
    return Intake(lambda: consumer, read=read, lost=REFUSE, has_outputs=lambda _: False, memory=memory)


def some(*offsets: int, place: Any = ZERO) -> dict[Any, list[Raw]]:
    """Return what a poll brings from one partition."""
    return {place: [Raw(offset, topic=place.topic, partition=place.partition) for offset in offsets]}


def joined(consumer: FakeConsumer, **how: Any) -> Intake:
    """Return an intake whose member has joined and sought its offsets."""
    intake = intake_of(consumer, **how)
    consumer.polls.insert(0, ({}, consumer.membership))
    assert intake.poll(500) is None
    consumer.sought.clear()
    return intake
