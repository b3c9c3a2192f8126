"""Reads the dead letters of a topic from the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.contracts import headers, topics
from pipeline.contracts.coordinates import Coordinates
from pipeline.operations.deadletters.letters import (
    Letter,
    Marker,
    attempt_in,
    is_marker,
    letters_of,
    read_marker,
)
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.reading import read_between
from pipeline.runtime.startup import wait_for_topics

if TYPE_CHECKING:
    from pipeline.contracts.topics import Topic
    from pipeline.runtime.backoff import Wait
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.settings import TopicNames

IDLE_SECONDS: Final = 30.0
CLIENT_ID: Final = "deadletters"


def read_letters(kafka: KafkaSettings, names: TopicNames, twin: Topic, wait: Wait) -> list[Letter]:
    """Return all dead letters of the topic ``twin``, with what became of each, oldest first by partition.

    Raises:
        BrokerUnavailableError: the cluster does not answer or lacks the topic.
        ReadingStalledError: the letters could not be read to their end.

    """
    name = names[topics.dead_letters_of(twin)]
    facts = wait_for_topics([name], kafka, CLIENT_ID, wait)[name]
    with Cluster(kafka, CLIENT_ID) as cluster:
        starts, ends = cluster.beginnings(name, facts.partitions), cluster.ends(name, facts.partitions)
    letters: list[Letter] = []
    markers: list[Marker] = []
    for record in read_between(kafka, name, starts, ends, IDLE_SECONDS):
        if not is_marker(record.headers):
            letters.append(_letter(twin, record))
        elif (marker := read_marker(record.headers)) is not None:
            markers.append(marker)
    return sorted(letters_of(letters, markers), key=lambda letter: letter.place)


def _letter(twin: Topic, record: Any) -> Letter:  # noqa: ANN401 (a record of the client has no type)
    def text(kind: headers.HeaderKind) -> str:
        return (headers.find(record.headers, kind) or b"").decode("utf-8", "replace")

    return Letter(
        twin=twin,
        place=Coordinates(record.partition, record.offset),
        origin=headers.coordinates_in(record.headers, headers.ORIGIN),
        source=headers.coordinates_in(record.headers, headers.SOURCE),
        reason=text(headers.REASON),
        detail=text(headers.DETAIL),
        service=text(headers.SERVICE),
        truncated=headers.find(record.headers, headers.TRUNCATED) is not None,
        attempt=attempt_in(record.headers),
        timestamp_ms=record.timestamp,
        key=record.key,
        value=record.value,
        foreign=headers.foreign(record.headers),
    )
