"""Reading again what was handled before, on a real Kafka: from where by time, up to where by offset."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest
from kafka.structs import TopicPartition

from pipeline.contracts import topics
from pipeline.runtime.clients.replay import Replay
from pipeline.runtime.record_path import BATCHES, RECORDS, in_batches, one_by_one
from tests.support.deployment import WITHIN
from tests.support.parts import GOOD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.runtime.record_path import RecordPath
    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

PATHS: Final[dict[str, Callable[..., RecordPath]]] = {BATCHES: in_batches, RECORDS: one_by_one}
MINUTE_MS: Final = 60_000

paths = pytest.mark.parametrize("path", PATHS)


def put(pipeline: Deployment, *minutes_ago: float, partition: int = 0) -> None:
    """Write a record for each of these times, in a batch of their own."""
    now_ms = time.time_ns() // 1_000_000
    with pipeline.producer(linger_ms=20) as producer:
        for minutes in minutes_ago:
            at_ms = now_ms - int(minutes * MINUTE_MS)
            producer.send(pipeline.name(topics.TRANSACTIONS), GOOD, partition=partition, timestamp_ms=at_ms)


def read(pipeline: Deployment, path: str, ends: Mapping[int, int], reach_minutes: float) -> dict[int, list[int]]:
    """Return the offsets below the ends that are read again, by partition."""
    name = pipeline.name(topics.TRANSACTIONS)
    now_ms = time.time_ns() // 1_000_000
    found: dict[int, list[int]] = {partition: [] for partition in ends}
    replay = Replay(pipeline.settings.kafka, "replay", PATHS[path](is_input=True), lambda: now_ms)
    with closing(replay):
        replay.open({TopicPartition(name, number): end for number, end in ends.items()}, int(reach_minutes * MINUTE_MS))
        deadline = time.monotonic() + WITHIN
        while time.monotonic() < deadline:
            pieces = replay.read()
            if pieces is None:
                return found
            for piece in pieces:
                for record in piece:
                    if record.offset < ends[record.partition]:
                        found[record.partition].append(record.offset)
    raise AssertionError(f"it never came to an end: {found}")


@paths
def test_it_reaches_back_from_the_next_record(deploy: Callable[..., Deployment], path: str) -> None:
    """However long ago that was written: who is far behind remembers what stood before, not what is recent."""
    pipeline = deploy()
    put(pipeline, 300, 200, 130, 121, 120, 110, 5)
    assert read(pipeline, path, {0: 4}, reach_minutes=15) == {0: [2, 3]}
    assert read(pipeline, path, {0: 4}, reach_minutes=90) == {0: [1, 2, 3]}
    assert read(pipeline, path, {0: 4}, reach_minutes=60 * 24 * 365 * 80) == {0: [0, 1, 2, 3]}


@paths
def test_it_reaches_back_from_now_where_nothing_waits(deploy: Callable[..., Deployment], path: str) -> None:
    """The next record may come at once, or much later: then some is remembered that is not looked at."""
    pipeline = deploy()
    put(pipeline, 30, 20, 10, 1)
    assert read(pipeline, path, {0: 4}, reach_minutes=15) == {0: [2, 3]}
    assert read(pipeline, path, {0: 4}, reach_minutes=0.5) == {0: []}
    assert read(pipeline, path, {0: 0}, reach_minutes=15) == {0: []}


@paths
def test_each_partition_has_its_own_stretch(deploy: Callable[..., Deployment], path: str) -> None:
    """One that is behind reaches further back than one that is not; one that is empty has nothing."""
    pipeline = deploy(partitions=3)
    put(pipeline, 130, 121, 119, 1)
    put(pipeline, 130, 121, 12, 1, partition=1)
    assert read(pipeline, path, {0: 2, 1: 4, 2: 0}, reach_minutes=15) == {0: [0, 1], 1: [2, 3], 2: []}


@paths
def test_it_passes_over_what_was_aborted_and_over_markers(deploy: Callable[..., Deployment], path: str) -> None:
    """Who writes to us in transactions leaves both; the stretch may also end with one."""
    pipeline = deploy()
    name = pipeline.name(topics.TRANSACTIONS)
    with pipeline.producer(transactional_id="outside") as producer:
        producer.init_transactions()
        for commit in (True, False, True, False):
            producer.begin_transaction()
            producer.send(name, GOOD, partition=0)
            producer.flush(timeout=60)
            if commit:
                producer.commit_transaction()
            else:
                producer.abort_transaction()
    assert read(pipeline, path, {0: 8}, reach_minutes=15) == {0: [0, 4]}
    assert read(pipeline, path, {0: 5}, reach_minutes=15) == {0: [0, 4]}
    assert read(pipeline, path, {0: 4}, reach_minutes=15) == {0: [0]}


def test_it_says_what_retention_has_removed(
    deploy: Callable[..., Deployment], caplog: pytest.LogCaptureFixture
) -> None:
    """Rules that look back further than the topic does cannot know it; those that do not hear nothing."""
    pipeline = deploy()
    put(pipeline, 30, 20, 10, 1)
    pipeline.cut(topics.TRANSACTIONS, 2)
    assert read(pipeline, BATCHES, {0: 4}, reach_minutes=5) == {0: [3]}
    assert not caplog.records
    assert read(pipeline, BATCHES, {0: 4}, reach_minutes=25) == {0: [2, 3]}
    assert f"{pipeline.name(topics.TRANSACTIONS)}:0 begins at " in caplog.text
    assert "what retention has removed is not known" in caplog.text
