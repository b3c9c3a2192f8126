"""Sets one record aside by hand: its letter and the offset behind it, in one transaction.

For the record that ends a service each time: a bug, which the loop rightly does not take for a poison message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.contracts import topics
from pipeline.contracts.hops import entered
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.records import record_of
from pipeline.errors import PipelineError
from pipeline.operations.deadletters.shelf import CLIENT_ID, IDLE_SECONDS
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.deadlines import COMMIT_SECONDS, FLUSH_SECONDS
from pipeline.runtime.clients.membership import add_offset
from pipeline.runtime.clients.producers import end_producer, transactional_producer
from pipeline.runtime.clients.reading import read_between
from pipeline.runtime.deadletter import letter_of
from pipeline.runtime.startup import until_answered, wait_for_topics

if TYPE_CHECKING:
    from pipeline.contracts.coordinates import Coordinates
    from pipeline.contracts.topics import Topic
    from pipeline.runtime.backoff import Wait
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.settings import CommonSettings
    from pipeline.runtime.watchdog import Watchdog


class SkipError(PipelineError):
    """The record may not be set aside; the sentence says why."""


def skip(settings: CommonSettings, twin: Topic, place: Coordinates, wait: Wait, watchdog: Watchdog) -> None:
    """Write the dead letter of the record at ``place`` in the topic ``twin``, and the offset behind it.

    Of a hop between two stages it is a letter of the input, with the record as it entered.

    Raises:
        SkipError: the service runs, or the record is not the next that it would read.
        BrokerUnavailableError: the cluster does not answer or lacks the topics.
        KafkaError: the transaction failed; nothing was written.

    """
    kafka, names = settings.kafka, settings.topics
    service = twin.consumers[0]
    handled = topics.TRANSACTIONS if twin.gathers else twin
    group, name, shelf = kafka.group_of(service), names[twin], names[topics.dead_letters_of(handled)]
    facts = wait_for_topics([name, shelf], kafka, CLIENT_ID, wait)
    if place.partition >= facts[name].partitions:
        raise SkipError(f"{name} has no partition {place.partition}")
    record = _next_record(kafka, group, name, facts[name].partitions, place)
    found = record_of(record, is_input=twin is topics.TRANSACTIONS)
    if twin.gathers:
        found = entered(found, names[topics.TRANSACTIONS])
    letter = letter_of(
        found,
        InvalidMessageError(Reason.SKIPPED, "set aside by hand"),
        service,
        facts[shelf].max_message_bytes,
    )
    producer = until_answered(
        "taking the transactional id",
        lambda: transactional_producer(kafka, f"{kafka.id_prefix}-skip-{service}", facts[shelf].max_message_bytes),
        kafka,
        wait,
    )
    try:
        producer.begin_transaction()
        future = producer.send(
            shelf,
            value=letter.value,
            key=letter.key,
            headers=list(letter.headers),
            partition=found.partition % facts[shelf].partitions,
        )
        producer.flush(timeout=FLUSH_SECONDS)
        future.get(timeout=FLUSH_SECONDS)
        with watchdog.step("committing the skipped offset", COMMIT_SECONDS):
            add_offset(producer, group, name, place)
            producer.commit_transaction()
    finally:
        end_producer(producer)


def _next_record(kafka: KafkaSettings, group: str, name: str, partitions: int, place: Coordinates) -> Any:  # noqa: ANN401
    """Return the record at ``place``, if it is the next one of a group that nobody is in."""
    with Cluster(kafka, CLIENT_ID) as cluster:
        if cluster.members(group):
            raise SkipError(f"somebody is in the group {group}: stop the service first")
        begin = cluster.committed(group, name, partitions).get(place.partition)
        if begin is None:
            begin = cluster.beginnings(name, partitions)[place.partition]
    if begin > place.offset:
        raise SkipError(f"{name}:{place} is handled already: the group is at {begin}")
    for record in read_between(
        kafka, name, {place.partition: begin}, {place.partition: place.offset + 1}, IDLE_SECONDS
    ):
        if record.offset == place.offset:
            return record
        raise SkipError(f"{name}:{place} is not the next record: {record.offset} comes before it")
    raise SkipError(f"there is no record {name}:{place}")
