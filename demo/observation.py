"""What the demo sees: it reads every topic as any reader would, and asks for the committed offsets."""

from __future__ import annotations

import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from pipeline.contracts import headers, topics
from pipeline.contracts.display import printable
from pipeline.contracts.invalid import InvalidMessageError
from pipeline.contracts.jsonobject import read_object
from pipeline.contracts.messages import Verdict
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.reading import Tail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.contracts.headers import Header
    from pipeline.contracts.topics import Topic
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.settings import TopicNames

LATEST: Final = 5
RATE_SECONDS: Final = 5.0
CLIENT_ID: Final = "demo"


@dataclass(slots=True)
class Seen:
    """Figures so far: records by topic, records a second over the last seconds, lag by service, frauds.

    ``rules`` counts in how many frauds each rule had a hit; ``frauds`` are the latest, a line each.
    """

    totals: Counter[Topic] = field(default_factory=Counter)
    rates: dict[Topic, float] = field(default_factory=dict)
    lags: dict[str, int] = field(default_factory=dict)
    rules: Counter[str] = field(default_factory=Counter)
    frauds: deque[str] = field(default_factory=lambda: deque(maxlen=LATEST))


def is_counted(topic: Topic, found: Iterable[Header]) -> bool:
    """Tell whether a record counts: what tells of dead letters does not, nor a payment that has an outcome already."""
    if topic.dead_letter_of is not None:
        return headers.find(found, headers.MARKER) is None
    return topic is not topics.LEGIT or headers.find(found, headers.RELEASED) is None


class Observer:
    """Follows all topics that transactions flow through with one reader.

    Lag is counted by position: records that stand behind the committed offset. The markers that end transactions
    take offsets too, so that the distance to the end of a topic never becomes 0.
    """

    def __init__(self, kafka: KafkaSettings, names: TopicNames, facts: dict[str, TopicFacts]) -> None:
        self._kafka = kafka
        self._names = names
        self._facts = facts
        self._by_name = {names[topic]: topic for topic in topics.STREAMS}
        self._tail = Tail(kafka, {name: facts[name].partitions for name in self._by_name})
        self._cluster = Cluster(kafka, CLIENT_ID)
        self._next: dict[tuple[str, int], int] = {}
        self._history: deque[tuple[float, Counter[Topic]]] = deque()
        self.seen = Seen()

    def look(self) -> Seen:
        """Read what has come, and return the figures."""
        for record in self._tail.read():
            topic = self._by_name[record.topic]
            self.seen.totals[topic] += is_counted(topic, record.headers)
            self._next[record.topic, record.partition] = record.offset + 1
            if topic is topics.FRAUD:
                fraud, rules = read_fraud(record.value)
                self.seen.frauds.append(fraud)
                self.seen.rules.update(rules)
        self._measure()
        return self.seen

    def close(self) -> None:
        """Close the connections."""
        self._tail.close()
        self._cluster.close()

    def _measure(self) -> None:
        now = time.monotonic()
        self._history.append((now, Counter(self.seen.totals)))
        while now - self._history[0][0] > RATE_SECONDS:
            self._history.popleft()
        then, before = self._history[0]
        if now > then:
            self.seen.rates = {
                topic: (self.seen.totals[topic] - before[topic]) / (now - then) for topic in topics.STREAMS
            }
        with suppress(KafkaError):  # asked again in a moment; a young cluster has no coordinator yet
            for topic in topics.HANDLED:
                for service in topic.consumers:
                    self.seen.lags[service] = self._lag(service, self._names[topic])

    def _lag(self, service: str, name: str) -> int:
        committed = self._cluster.committed(self._kafka.group_of(service), name, self._facts[name].partitions)
        last = {partition: end for (topic, partition), end in self._next.items() if topic == name}
        return sum(max(0, end - committed.get(partition, 0)) for partition, end in last.items())


def read_fraud(value: bytes | None) -> tuple[str, list[str]]:
    """Return one line about a record of the fraud topic, and the rules that had a hit; both are safe to print."""
    try:
        members = read_object(value)
        verdict = msgspec.convert(members.get("verdict"), Verdict)
    except (InvalidMessageError, msgspec.ValidationError) as error:
        return printable(f"unreadable: {error}"), []
    reasons = ", ".join(f"{hit.rule}: {hit.message}" for hit in verdict.hits)
    source, target = members.get("source", members.get("PAYMENT_TYPE")), members.get("target", members.get("TO"))
    amount = members.get("amount", members.get("AMOUNT"))
    line = printable(f"{source} -> {target} {amount} {members.get('currency', '')} ({reasons})")
    return line, [printable(hit.rule) for hit in verdict.hits]
