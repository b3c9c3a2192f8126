"""The generator while a broker is killed and started again: nothing is lost, repeated or out of order, either way."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from generator.sending import Sender
from generator.transactions import Generated
from kafka_local import Cluster
from pipeline.contracts import topics
from pipeline.runtime.clients.cluster import DEFAULT_MAX_MESSAGE_BYTES, TopicFacts
from pipeline.runtime.clients.producers import plain_producer
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.publisher import Publisher
from pipeline.runtime.record_path import BATCHES, RECORDS, outlet_of
from tests.support.deployment import WITHIN, Deployment
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

pytestmark = pytest.mark.integration

ACCOUNTS = 20
PER_SECOND = 5_000.0
BEFORE = 2_000
AFTER = 4_000


class Numbered:
    """A source whose transactions are numbers, from a few accounts in turn."""

    def __init__(self) -> None:
        self.made = 0

    def make(self, _moment: datetime, count: int) -> list[Generated]:
        """Return the next numbers."""
        first, self.made = self.made, self.made + count
        return [Generated(b"account-%d" % (number % ACCOUNTS), b"%d" % number) for number in range(first, self.made)]


@pytest.fixture
def own_kafka() -> Iterator[Cluster]:
    """Provide a Kafka that may be killed, since nobody else uses it."""
    with Cluster() as cluster:
        yield cluster


@pytest.mark.parametrize("path", [BATCHES, RECORDS])
def test_a_broker_that_is_killed_costs_no_transaction(own_kafka: Cluster, path: str) -> None:
    """What was under way is sent again, and brokers know by its numbers what they have."""
    pipeline = Deployment(own_kafka.bootstrap_servers, partitions=3)
    pipeline.provision()
    name = pipeline.name(topics.TRANSACTIONS)
    producer = plain_producer(pipeline.settings.kafka, f"test-{pipeline.tag}")
    publisher = Publisher(outlet_of(path, producer, TopicFacts(name, "", 3, DEFAULT_MAX_MESSAGE_BYTES)), 4_000)
    source, stop = Numbered(), Stop()
    sender = threading.Thread(target=Sender(source, publisher, PER_SECOND, None, lambda: None).run, args=(stop,))
    sender.start()
    try:
        eventually(lambda: publisher.delivered > BEFORE, WITHIN, "some to be delivered")
        own_kafka.nodes[0].kill()
        own_kafka.nodes[0].start()
        delivered = publisher.delivered
        eventually(lambda: publisher.delivered > delivered + AFTER, WITHIN, "more to be delivered")
    finally:
        stop.request()
        sender.join(WITHIN)
    publisher.finish(WITHIN)
    assert (publisher.delivered, publisher.failed, publisher.in_flight) == (source.made, 0, 0)
    assert_all_there_in_order(pipeline.records(topics.TRANSACTIONS), source.made)


def assert_all_there_in_order(records: list[Any], made: int) -> None:
    """Check that every number is there once, and those of an account in the order in which they were made."""
    by_account: dict[bytes, list[int]] = defaultdict(list)
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        by_account[record.key].append(int(record.value))
    assert sorted(number for numbers in by_account.values() for number in numbers) == list(range(made))
    assert all(numbers == sorted(numbers) for numbers in by_account.values())
    assert len(by_account) == ACCOUNTS
