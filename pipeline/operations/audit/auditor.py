"""Reads what an audit needs, in the order that makes its answer true while the pipeline runs.

First the committed offsets, then the ends of the outputs: whatever was committed has its outcome before those ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.contracts import headers, topics
from pipeline.contracts.coordinates import Coordinates
from pipeline.operations.audit.accounting import Books, Outcome, Report
from pipeline.operations.deadletters.letters import attempt_in, is_marker, read_marker
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.reading import read_between
from pipeline.runtime.startup import until_answered, wait_for_topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.contracts.topics import Topic
    from pipeline.runtime.backoff import Wait
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.settings import TopicNames

IDLE_SECONDS: Final = 30.0
PROGRESS_RECORDS: Final = 10_000
CLIENT_ID: Final = "audit"

OUTCOMES: Final = {
    topics.LEGIT: Outcome.LEGIT,
    topics.FRAUD: Outcome.FRAUD,
    topics.TRANSACTIONS_DEAD_LETTER: Outcome.DEAD_LETTER,
}
# Dead letters of the branches are no outcomes, but their markers tell what was sent again.
MARKERS: Final = (topics.LEGIT_DEAD_LETTER, topics.FRAUD_DEAD_LETTER)
READ: Final = (topics.TRANSACTIONS, *OUTCOMES, *MARKERS)

Span = tuple[dict[int, int], dict[int, int]]


def audit(kafka: KafkaSettings, names: TopicNames, wait: Wait, progress: Callable[[int], None]) -> Report:
    """Account for the input that the detector has committed; ``progress`` is told how many records were read.

    Raises:
        BrokerUnavailableError: the cluster does not answer or lacks the topics.
        ReadingStalledError: a topic could not be read to its end.

    """
    facts = wait_for_topics([names[topic] for topic in READ], kafka, CLIENT_ID, wait)
    by_topic = {topic: facts[names[topic]] for topic in READ}
    spans = until_answered("reading the offsets", lambda: _stable_point(kafka, by_topic), kafka, wait)
    books = Books(*spans[topics.TRANSACTIONS])
    for topic in OUTCOMES:
        if any(spans[topic][0].values()):
            _note_cut(kafka, books, by_topic[topic], spans[topic])
    read = 0
    for topic in READ:
        for record in read_between(kafka, names[topic], *spans[topic], IDLE_SECONDS):
            _enter(books, topic, record, spans)
            read += 1
            if read % PROGRESS_RECORDS == 0:
                progress(read)
    return books.close()


def _stable_point(kafka: KafkaSettings, by_topic: dict[Topic, TopicFacts]) -> dict[Topic, Span]:
    """Return from where to where to read each topic, the input up to the committed offsets."""
    entry = by_topic[topics.TRANSACTIONS]
    with Cluster(kafka, CLIENT_ID) as cluster:
        committed = cluster.committed(kafka.group_of("detector"), entry.name, entry.partitions)
        spans = {topics.TRANSACTIONS: (cluster.beginnings(entry.name, entry.partitions), committed)}
        # In this order: the marker of a record that is seen is before the end of the markers.
        for topic in (*OUTCOMES, *MARKERS):
            facts = by_topic[topic]
            beginnings = cluster.beginnings(facts.name, facts.partitions)
            spans[topic] = (beginnings, cluster.ends(facts.name, facts.partitions))
    return spans


def _note_cut(kafka: KafkaSettings, books: Books, facts: TopicFacts, span: Span) -> None:
    """Tell the books from which origin on an output that retention has cut can be judged.

    An output partition holds the records of an input partition in their order, so the first one says it.
    """
    beginnings, ends = span
    for partition, beginning in beginnings.items():
        if not beginning:
            continue
        origins: dict[int, int] = {}
        for record in read_between(
            kafka, facts.name, {partition: beginning}, {partition: ends[partition]}, IDLE_SECONDS
        ):
            origin = headers.coordinates_in(record.headers, headers.ORIGIN)
            if origin is not None and not attempt_in(record.headers):
                origins.setdefault(origin.partition, origin.offset)
        for entry in books.partitions:
            if entry % facts.partitions == partition:
                books.add_cut(entry, origins.get(entry))


def _enter(books: Books, topic: Topic, record: Any, spans: dict[Topic, Span]) -> None:  # noqa: ANN401 (no type)
    place = Coordinates(record.partition, record.offset)
    if topic is topics.TRANSACTIONS:
        books.add_input(place)
    elif topic in MARKERS:
        marker, branch = read_marker(record.headers), topic.dead_letter_of
        if marker is not None and branch is not None:
            became = marker.became
            # What was sent again after we looked at the branch is judged next time.
            if became.offset < spans[branch][1].get(became.partition, 0):
                books.add_marker(branch.key, became)
    elif is_marker(record.headers):
        return
    elif attempt_in(record.headers):
        books.add_retry(topic.key, place)
    else:
        books.add_outcome(OUTCOMES[topic], headers.coordinates_in(record.headers, headers.ORIGIN))
