"""Reads the topic of rules, and writes to it: one version at a time, each in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.contracts import topics
from pipeline.contracts.rule_versions import Shelf
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.deadlines import COMMIT_SECONDS, FLUSH_SECONDS
from pipeline.runtime.clients.leftovers import Leftovers
from pipeline.runtime.clients.producers import end_producer, transactional_producer
from pipeline.runtime.clients.reading import ReadingStalledError, Tail, read_between
from pipeline.runtime.startup import wait_for_topics
from pipeline.runtime.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.contracts.rule_versions import Entry
    from pipeline.runtime.backoff import Wait
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.settings import CommonSettings

PARTITION: Final = 0
# An open transaction of somebody who died holds readers back for as long as it may take to time out.
IDLE_SECONDS: Final = 30.0


class RulesTopic:
    """The topic of rules of a deployment.

    Raises:
        KafkaError: from every method, where no broker answers, access is refused, or an open transaction hides the end.

    """

    def __init__(self, kafka: KafkaSettings, facts: TopicFacts) -> None:
        self._kafka = kafka
        self._facts = facts
        self._writer = f"{kafka.id_prefix}-rules"
        self._leftovers = Leftovers(kafka, f"{self._writer}-look", self._writer, kafka.group_of("rules"), [facts])

    @classmethod
    def find(cls, settings: CommonSettings, client_id: str, wait: Wait) -> RulesTopic:
        """Return the topic once it exists.

        Raises:
            BrokerUnavailableError: it does not, within the start-up time.
            StoppedError: a stop was requested meanwhile.

        """
        name = settings.topics[topics.RULES]
        return cls(settings.kafka, wait_for_topics([name], settings.kafka, client_id, wait)[name])

    @property
    def name(self) -> str:
        """Return what it is called here."""
        return self._facts.name

    def end(self) -> int:
        """Return the offset behind its last record."""
        with Cluster(self._kafka, self._writer) as cluster:
            return cluster.ends(self.name, self._facts.partitions)[PARTITION]

    def read(self) -> tuple[Shelf, int]:
        """Return all that is committed in it now, and the offset behind that."""
        self._leftovers.after(())
        with Cluster(self._kafka, self._writer) as cluster:
            start = cluster.beginnings(self.name, self._facts.partitions)[PARTITION]
            end = cluster.ends(self.name, self._facts.partitions)[PARTITION]
        shelf = Shelf()
        try:
            for record in read_between(self._kafka, self.name, {PARTITION: start}, {PARTITION: end}, IDLE_SECONDS):
                shelf.take(record.key, record.value, record.offset)
        except ReadingStalledError as error:
            # To whoever waits for a cluster it is the same as one that does not answer.
            raise KafkaError(str(error)) from error
        return shelf, end

    def tail(self, start: int) -> Tail:
        """Return a reader that follows it from an offset."""
        return Tail(self._kafka, {self.name: 1}, {(self.name, PARTITION): start})

    def put(self, entries_for: Callable[[Shelf], list[Entry]]) -> None:
        """Write what ``entries_for`` returns for what stands there now: all of it, or nothing where it raises.

        There is one transactional id for this, and it is taken before the topic is read: whoever takes it next fences
        us, so that nobody has written in between when this returns.

        Raises:
            KafkaError: also where somebody else has taken over; what became of the entries is not known.

        """
        # First: once the id is taken, nobody can tell any more how a transaction ended that a broker left open.
        self._leftovers.after(())
        producer = transactional_producer(self._kafka, self._writer, self._facts.max_message_bytes)
        try:
            self._transact(producer, entries_for(self.read()[0]))
        finally:
            end_producer(producer)

    def _transact(self, producer: Any, entries: list[Entry]) -> None:  # noqa: ANN401 (a client without types)
        if not entries:
            return
        producer.begin_transaction()
        sent = [producer.send(self.name, key=key, value=value, partition=PARTITION) for key, value in entries]
        producer.flush(timeout=FLUSH_SECONDS)
        for future in sent:
            future.get(timeout=FLUSH_SECONDS)
        with Watchdog().step("committing a version of rules", COMMIT_SECONDS):
            producer.commit_transaction()
