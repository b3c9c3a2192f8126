"""Where a topic that was written in transactions ends for its readers, on a real Kafka.

A test named ``without_...`` takes the guard out and asserts the harm: when it fails, the client has mended the habit.
That a commit may show later than it returns is in ``test_client_habits_replicas``.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from kafka.consumer.fetcher import Fetcher
from kafka.structs import TopicPartition

from pipeline.contracts import topics
from pipeline.runtime.clients import parked_records
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.consumers import reader
from pipeline.runtime.clients.reading import read_between
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually
from tests.support.parts import GOOD, producer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

COMMITS = 20
EACH = 20
POLLS = 20


def test_each_commit_is_read_back_at_once_and_whole(deploy: Callable[..., Deployment]) -> None:
    """Guard: ``read_between`` goes by position; it ends behind the marker, and waits for what does not show yet."""
    pipeline = deploy(partitions=1)
    name = pipeline.name(topics.LEGIT)
    start = {0: 0}
    with Cluster(pipeline.settings.kafka, "test") as cluster, closing(producer_of(pipeline)) as producer:
        for number in range(COMMITS):
            producer.begin_transaction()
            for part in range(3):
                producer.send(name, b"%d.%d" % (number, part), partition=0)
            producer.flush()
            producer.commit_transaction()
            end = cluster.ends(name, 1)
            found = [record.value for record in read_between(pipeline.settings.kafka, name, start, end, WITHIN)]
            assert found == [b"%d.%d" % (number, part) for part in range(3)]
            start = end


@pytest.mark.parametrize("last", ["commit_transaction", "abort_transaction"])
def test_without_the_position_a_reader_never_gets_to_the_end(deploy: Callable[..., Deployment], last: str) -> None:
    """The end lies behind markers and aborted records, which no reader is given: only the position gets there."""
    pipeline = deploy(partitions=1)
    place = TopicPartition(pipeline.name(topics.LEGIT), 0)
    with closing(producer_of(pipeline)) as producer:
        for decide in ("commit_transaction", last):
            producer.begin_transaction()
            producer.send(place.topic, GOOD, partition=0)
            producer.flush()
            getattr(producer, decide)()
    read: list[int] = []
    with closing(reader(pipeline.settings.kafka, "test")) as consumer:
        consumer.assign([place])
        consumer.seek(place, 0)

        def at_the_end() -> bool:
            read.extend(record.offset for records in consumer.poll(timeout_ms=200).values() for record in records)
            return bool(consumer.position(place) == consumer.end_offsets([place])[place] == 4)

        eventually(at_the_end, WITHIN, "the position to reach the end")
    assert read == ([0, 2] if last == "commit_transaction" else [0])
    assert read[-1] + 1 < 4


@contextmanager
def behind_a_pause(pipeline: Deployment) -> Iterator[Callable[[], list[int]]]:
    """Pause a partition in the midst, read another to its end, go on; yield what reads more of the first."""
    name = pipeline.name(topics.TRANSACTIONS)
    pipeline.put_many([GOOD] * 2 * EACH)
    places = [TopicPartition(name, 0), TopicPartition(name, 1)]
    with closing(reader(pipeline.settings.kafka, "test")) as consumer:
        consumer.assign(places)
        consumer.seek_to_beginning(*places)

        def polled(most: int) -> list[Any]:
            return [one for found in consumer.poll(timeout_ms=200, max_records=most).values() for one in found]

        (first,) = eventually(lambda: polled(1), WITHIN, "a record")
        paused = TopicPartition(name, first.partition)
        consumer.pause(paused)
        others = 0
        while others < EACH:
            others += len(eventually(lambda: polled(EACH), WITHIN, "the other partition"))
        consumer.resume(paused)
        yield lambda: [one.offset for one in polled(EACH) if one.partition == paused.partition]


def test_a_partition_that_was_paused_is_read_on(deploy: Callable[..., Deployment]) -> None:
    """Guard: ``parked_records``."""
    read: list[int] = []
    with behind_a_pause(deploy(partitions=2)) as more:

        def all_is_read() -> bool:
            read.extend(more())
            return len(read) >= EACH - 1

        eventually(all_is_read, WITHIN, "what is left of it")
    assert read == list(range(1, EACH))


def test_without_the_guard_a_partition_that_was_paused_may_never_be_read_again(
    deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records stay parked behind what the other partition has left."""
    monkeypatch.setattr(Fetcher, "fetched_records", parked_records._fetched_as_it_was)  # noqa: SLF001
    with behind_a_pause(deploy(partitions=2)) as more:
        assert [offset for _ in range(POLLS) for offset in more()] == []
