"""Lets a tripped service go on: writes the marker that it looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.contracts import headers, topics
from pipeline.operations.deadletters.shelf import CLIENT_ID
from pipeline.runtime.clients.deadlines import FLUSH_SECONDS
from pipeline.runtime.clients.producers import end_producer, plain_producer
from pipeline.runtime.startup import until_answered, wait_for_topics

if TYPE_CHECKING:
    from pipeline.runtime.backoff import Wait
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.settings import TopicNames


def resume(kafka: KafkaSettings, names: TopicNames, service: str, wait: Wait) -> None:
    """Write the marker; every replica of the service that is tripped sees it.

    Raises:
        BrokerUnavailableError: the cluster does not answer or lacks the topic.
        KafkaError: the marker was not taken.

    """
    shelf = names[topics.dead_letters_of(topics.consumed_by(service))]
    wait_for_topics([shelf], kafka, CLIENT_ID, wait)
    producer = until_answered("connecting", lambda: plain_producer(kafka, CLIENT_ID), kafka, wait)
    try:
        marker = [(headers.MARKER.name, headers.RESUME), (headers.SERVICE.name, service.encode())]
        producer.send(shelf, value=b"", headers=marker, partition=0).get(timeout=FLUSH_SECONDS)
    finally:
        end_producer(producer)
