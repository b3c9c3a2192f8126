"""Reads what an audit needs and enters it into the books; which offsets it goes by says ``stable_point``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.contracts import topics
from pipeline.operations.audit.accounting import Books
from pipeline.operations.audit.databases import NO_DATABASES
from pipeline.operations.audit.entries import enter_letter, enter_outcome, enter_record, enter_under_way
from pipeline.operations.audit.report import Outcome, Report
from pipeline.operations.audit.scope import ALL_TIME, Period
from pipeline.operations.audit.stable_point import BRANCHES, CLIENT_ID, LETTERS, READ, StablePoint, take_stable_point
from pipeline.operations.audit.starts import IDLE_SECONDS, first_outcome, last_origin_near, starts_for
from pipeline.operations.deadletters.letters import is_marker
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.reading import Lookup, read_between
from pipeline.runtime.startup import until_answered, wait_for_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline.contracts.topics import Topic
    from pipeline.operations.audit.databases import Databases
    from pipeline.runtime.backoff import Wait
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.settings import TopicNames

PROGRESS_RECORDS: Final = 10_000

OUTCOMES: Final = {
    topics.LEGIT: Outcome.LEGIT,
    topics.FRAUD: Outcome.FRAUD,
    topics.TRANSACTIONS_DEAD_LETTER: Outcome.DEAD_LETTER,
}


def audit(  # noqa: PLR0913 (what an audit needs meets here)
    kafka: KafkaSettings,
    names: TopicNames,
    wait: Wait,
    progress: Callable[[int], None],
    period: Period = ALL_TIME,
    *,
    databases: Databases = NO_DATABASES,
) -> Report:
    """Account for the input that the detector has committed, of all time or of a period.

    ``progress`` is told how many records were read. What processors did is asked of their ``databases``; of one
    without, the committed offset is believed.

    Raises:
        BrokerUnavailableError: the cluster does not answer or lacks the topics.
        ReadingStalledError: a topic could not be read to its end.
        KafkaError: no broker answers any more.
        EffectsError: a database does not answer.

    """
    found = wait_for_topics([names[topic] for topic in READ], kafka, CLIENT_ID, wait)
    facts = {topic: found[names[topic]] for topic in READ}
    facts |= until_answered("looking for hops", lambda: _hops(kafka, names), kafka, wait)
    point = until_answered("reading the offsets", lambda: take_stable_point(kafka, facts, period), kafka, wait)
    auditor = _Auditor(kafka, facts, point, progress)
    auditor.read_input()
    auditor.read_hops()
    auditor.read_outputs()
    auditor.note_cuts()
    with Cluster(kafka, CLIENT_ID) as cluster:
        effects = databases.effects(cluster.id(), facts)
    return auditor.books.close(effects)


def _hops(kafka: KafkaSettings, names: TopicNames) -> dict[Topic, TopicFacts]:
    """Return the hops that there are, also those that rules need no more: something may stand there still."""
    with Cluster(kafka, CLIENT_ID) as cluster:
        hops = {names[hop]: hop for hop in names.hops_among(cluster.names())}
        return {hops[name]: facts for name, facts in cluster.describe(hops).items()} if hops else {}


class _Auditor:
    """Fills the books from the topics, one after the other."""

    def __init__(
        self,
        kafka: KafkaSettings,
        facts: Mapping[Topic, TopicFacts],
        point: StablePoint,
        progress: Callable[[int], None],
    ) -> None:
        self.books = Books(point.scope, point.branches)
        self._kafka, self._facts, self._point, self._progress = kafka, facts, point, progress
        self._read = 0
        self._oldest_ms: dict[int, int] = {}

    def read_input(self) -> None:
        """Read the part of the input that is judged."""
        scope, add, oldest_ms = self._point.scope, self.books.add_input, self._oldest_ms
        for record in self._records(topics.TRANSACTIONS, scope.first, scope.end):
            partition, time_ms = record.partition, record.timestamp
            add(partition, record.offset)
            if time_ms < oldest_ms.get(partition, time_ms + 1):
                oldest_ms[partition] = time_ms

    def read_hops(self) -> None:
        """Read what is under way between two stages."""
        for topic, (starts, ends) in self._point.hops.items():
            for record in self._records(topic, starts, ends):
                enter_under_way(self.books, record)

    def read_outputs(self) -> None:
        """Read the outputs to their ends: a second outcome may have been written any time later."""
        for topic, outcome in OUTCOMES.items():
            starts = self._starts(topic)
            branch = self.books.branches.get(topic.key)
            if branch is not None:
                branch.see_from(starts)
            for record in self._records(topic, starts, self._point.ends[topic]):
                if branch is not None:
                    enter_record(self.books, branch, outcome, record)
                elif not is_marker(record.headers):
                    enter_outcome(self.books, topic, outcome, record)
        for topic, branch_topic in zip(LETTERS, BRANCHES, strict=True):
            branch = self.books.branches[branch_topic.key]
            for record in self._records(topic, self._point.beginnings[topic], self._point.ends[topic]):
                enter_letter(self.books, branch, topic, record)

    def note_cuts(self) -> None:
        """Tell the books what retention has removed, also while they were filled."""
        with Cluster(self._kafka, CLIENT_ID) as cluster:
            left = {topic: cluster.beginnings(self._facts[topic].name, self._facts[topic].partitions) for topic in READ}
        self.books.forget_before(left[topics.TRANSACTIONS])
        for branch_topic in BRANCHES:
            self.books.branches[branch_topic.key].see_from(left[branch_topic])
        for topic in OUTCOMES:
            self._note_cut(topic, left[topic])

    def _note_cut(self, topic: Topic, beginnings: Mapping[int, int]) -> None:
        """Tell the books up to which origin an output was cut.

        An output partition holds the outcomes of an input partition in their order, so the first one says it; where
        there are hops, the highest of the first ones.
        """
        if not any(beginnings.values()):
            return
        facts, ends = self._facts[topic], self._point.ends[topic]
        with Lookup(self._kafka, facts.name) as lookup:
            for entry, end in self._point.scope.end.items():
                partition = entry % facts.partitions
                if beginnings[partition]:
                    stretch = (lookup, partition, beginnings[partition], ends[partition], entry)
                    if self._point.hops:
                        origin = last_origin_near(*stretch)
                    else:
                        found = first_outcome(*stretch)
                        origin = None if found is None else found.origin
                    self.books.see_from(entry, end if origin is None else origin)

    def _starts(self, topic: Topic) -> dict[int, int]:
        beginnings = self._point.beginnings[topic]
        facts, point = self._facts[topic], self._point
        return starts_for(self._kafka, facts, point.scope, beginnings, self._oldest_ms, ordered=not point.hops)

    def _records(self, topic: Topic, starts: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Any]:
        for record in read_between(self._kafka, self._facts[topic].name, starts, ends, IDLE_SECONDS):
            yield record
            self._read += 1
            if self._read % PROGRESS_RECORDS == 0:
                self._progress(self._read)
