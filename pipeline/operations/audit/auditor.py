"""Reads what an audit needs, in the order that makes its answer true while the pipeline runs.

First the committed offsets, then the ends of the outputs: whatever was committed has its outcome before those ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.contracts import headers, topics
from pipeline.contracts.coordinates import Coordinates
from pipeline.operations.audit.accounting import Books, Outcome, Report
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.reading import read_between
from pipeline.runtime.startup import until_answered, wait_for_topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.runtime.backoff import Wait
    from pipeline.runtime.settings import KafkaSettings, TopicNames

IDLE_SECONDS: Final = 30.0
PROGRESS_RECORDS: Final = 10_000

OUTCOMES: Final = {
    topics.LEGIT: Outcome.LEGIT,
    topics.FRAUD: Outcome.FRAUD,
    topics.TRANSACTIONS_DEAD_LETTER: Outcome.DEAD_LETTER,
}


def audit(kafka: KafkaSettings, names: TopicNames, wait: Wait, progress: Callable[[int], None]) -> Report:
    """Account for the input that the detector has committed; ``progress`` is told how many records were read.

    Raises:
        BrokerUnavailableError: the cluster does not answer or lacks the topics.
        ReadingStalledError: a topic could not be read to its end.

    """
    client_id = f"{kafka.id_prefix}-audit"
    facts = wait_for_topics([names[topic] for topic in (topics.TRANSACTIONS, *OUTCOMES)], kafka, client_id, wait)
    entry = facts[names[topics.TRANSACTIONS]]

    def look() -> tuple[dict[int, int], dict[str, tuple[dict[int, int], dict[int, int]]]]:
        with Cluster(kafka, client_id) as cluster:
            committed = cluster.committed(kafka.group_of("detector"), entry.name, entry.partitions)
            spans = {entry.name: (cluster.beginnings(entry.name, entry.partitions), committed)}
            for topic in OUTCOMES:
                name, partitions = names[topic], facts[names[topic]].partitions
                spans[name] = (cluster.beginnings(name, partitions), cluster.ends(name, partitions))
        return committed, spans

    committed, spans = until_answered("reading the offsets", look, kafka, wait)
    books = Books(committed)
    read = 0
    for topic in (topics.TRANSACTIONS, *OUTCOMES):
        starts, ends = spans[names[topic]]
        for record in read_between(kafka, names[topic], starts, ends, IDLE_SECONDS):
            if topic is topics.TRANSACTIONS:
                books.add_input(Coordinates(record.partition, record.offset))
            else:
                books.add_outcome(OUTCOMES[topic], headers.coordinates_in(record.headers, headers.ORIGIN))
            read += 1
            if read % PROGRESS_RECORDS == 0:
                progress(read)
    return books.close()
