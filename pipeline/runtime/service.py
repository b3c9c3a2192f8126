"""Puts a service together: waits for its topics, builds loop and clients around its handler, runs until stopped."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pipeline.contracts import topics
from pipeline.contracts.codec import Codec
from pipeline.runtime.breaker import Breaker
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.consumers import group_consumer
from pipeline.runtime.clients.leftovers import Leftovers
from pipeline.runtime.clients.replay import Replay
from pipeline.runtime.clock import now_ms
from pipeline.runtime.collector import settle
from pipeline.runtime.compiled import how_it_runs
from pipeline.runtime.record_path import RecordPath, record_path
from pipeline.runtime.resume import ResumeWatch
from pipeline.runtime.startup import until_answered, wait_for_topics
from pipeline.runtime.tracing.handling import Traced, TracedEffects
from pipeline.runtime.transactional import Intake, Output, TransactionalLoop
from pipeline.runtime.transactional.batch_size import BatchSize
from pipeline.runtime.transactional.outputs_seen import OutputsSeen
from pipeline.runtime.transactional.restoring import Restoring
from pipeline.runtime.transactional.start import REFUSE
from pipeline.runtime.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.contracts.topics import Topic
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.handler import Handler, Marks
    from pipeline.runtime.lifecycle import Stop
    from pipeline.runtime.service_settings import ServiceSettings
    from pipeline.runtime.snapshots import Snapshots
    from pipeline.runtime.tracing.handling import Describe
    from pipeline.runtime.tracing.tracer import Tracer
    from pipeline.runtime.transactional.effects import Effects
    from pipeline.runtime.vitals import Vitals

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """What a service reads: a topic, by its id and its name, of a cluster."""

    cluster: str
    topic_id: str
    topic: str


@dataclass(frozen=True, slots=True)
class Work:
    """What a service does with records; ``effects`` are what of that is outside of Kafka (``start`` has ``lost``).

    ``snapshots`` are of what the handler remembers. Where traces are made, ``verb`` names what is done to a record, and
    ``describe`` tells of what is written because of it.
    """

    handler: Handler
    effects: Effects | None = None
    lost_effects: str = REFUSE
    snapshots: Snapshots | None = None
    verb: str = "process"
    describe: Describe | None = None

    def traced(self, tracer: Tracer) -> Work:
        """Return the same work, with spans."""
        handler = Traced(self.handler, tracer, self.verb, self.describe)
        effects = None if self.effects is None else TracedEffects(self.effects, handler)
        return replace(self, handler=handler, effects=effects)


def serve(  # noqa: PLR0913 (the parts of a service meet here)
    name: str,
    provided: ServiceSettings,
    make_work: Callable[[Codec, Source], Work],
    stop: Stop,
    vitals: Vitals,
    *,
    marks: Marks | None = None,
    hops: Sequence[Topic] = (),
) -> None:
    """Run a service that reads one topic of the registry, exactly once, until it is stopped.

    The work is made before the first of ``marks`` is asked for. ``hops`` are topics that the service writes and
    reads itself, in the order in which a record takes them.

    Raises:
        BrokerUnavailableError: the cluster does not answer, lacks the topics, or refuses us.
        LostOffsetsError: where to start has to be decided by a person.

    """
    parts = _Parts.found(name, provided, stop, hops, Watchdog(began=vitals.beat))
    output = parts.output()
    work = make_work(parts.codec(), parts.source())
    if vitals.tracer is not None:
        work = work.traced(vitals.tracer)
    intake = parts.intake(work, marks, vitals)
    loop = parts.loop(intake, output, work, vitals)
    logger.info("started", extra=parts.told())
    settle()
    loop.run(stop)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Parts:
    """Makes the parts of a service, each once; what asks Kafka waits for it within the start-up time.

    ``hops`` are topics that the service writes and reads, in the order in which a record takes them; ``facts`` are of
    all topics that it has to do with.
    """

    name: str
    provided: ServiceSettings
    stop: Stop
    hops: Sequence[Topic]
    client_id: str
    facts: dict[Topic, TopicFacts]
    path: RecordPath
    watchdog: Watchdog

    @classmethod
    def found(
        cls, name: str, provided: ServiceSettings, stop: Stop, hops: Sequence[Topic], watchdog: Watchdog
    ) -> _Parts:
        """Wait for the topics of a service."""
        names, kafka = provided.common.topics, provided.common.kafka
        source = topics.consumed_by(name)
        client_id = f"{kafka.id_prefix}-{name}-{uuid.uuid4()}"
        is_input = source is topics.TRANSACTIONS
        path = record_path(provided.record_path, is_input=is_input, hops=[names[hop] for hop in hops])
        needed = {topic: names[topic] for topic in (topics.TRANSACTIONS, source, *topics.produced_by(name), *hops)}
        by_name = wait_for_topics(needed.values(), kafka, client_id, stop.wait)
        facts = {topic: by_name[topic_name] for topic, topic_name in needed.items()}
        return cls(name, provided, stop, hops, client_id, facts, path, watchdog)

    @property
    def kafka(self) -> KafkaSettings:
        """How to reach the cluster."""
        return self.provided.common.kafka

    def read(self) -> list[str]:
        """Return the names of the topics that are read, the source first."""
        return [self.facts[topic].name for topic in (topics.consumed_by(self.name), *self.hops)]

    def codec(self) -> Codec:
        """Return what reads transactions; ids that messages lack are made of that of the input topic."""
        return Codec(self.provided.common.format, self.facts[topics.TRANSACTIONS].id)

    def source(self) -> Source:
        """Return what is read, by the cluster's own names for it."""
        facts = self.facts[topics.consumed_by(self.name)]
        return Source(self._asked("asking for the cluster's id", self._cluster_id), facts.id, facts.name)

    def output(self) -> Output:
        """Return the writing side; what a broker that came back has left open is ended first."""
        kafka, prefix = self.kafka, f"{self.kafka.id_prefix}-{self.name}-"
        written = [self.facts[topic] for topic in (*topics.produced_by(self.name), *self.hops)]
        leftovers = Leftovers(kafka, self.client_id, prefix, kafka.group_of(self.name), written)
        self._asked("looking for what was left open", lambda: leftovers.after(()))
        largest = max(found.max_message_bytes for found in self.facts.values())
        make = partial(self.path.make_producer, kafka, self.client_id, largest)
        return self._asked(
            "initialising the transactional id",
            lambda: Output(make, self.facts, self.watchdog, now_ms, leftovers, self.path.make_sender()),
        )

    def intake(self, work: Work, marks: Marks | None, vitals: Vitals) -> Intake:
        """Return the reading side."""
        outputs = [self.facts[topic] for topic in topics.produced_by(self.name)]
        seen = OutputsSeen(self.kafka, self.client_id, outputs, [self.facts[hop] for hop in self.hops])
        log = Replay(self.kafka, f"{self.client_id}-replay", self.path, now_ms)
        memory = Restoring(log, work.handler, snapshots=work.snapshots)
        vitals.add(memory.figures)
        return self._asked(
            "connecting the consumer",
            lambda: Intake(
                partial(_consumer, self.kafka, self.name, self.read(), self.path),
                read=self.path.read,
                lost=self.provided.lost_offsets,
                has_outputs=seen.behind,
                memory=memory,
                marks=marks,
                effects=work.effects,
                lost_effects=work.lost_effects,
            ),
        )

    def loop(self, intake: Intake, output: Output, work: Work, vitals: Vitals) -> TransactionalLoop:
        """Return the loop over both sides."""
        dead_letters = topics.dead_letters_of(topics.consumed_by(self.name))
        return TransactionalLoop(
            service=self.name,
            intake=intake,
            output=output,
            handler=work.handler,
            dead_letters=dead_letters,
            size=BatchSize(self.provided.batch_limits),
            watchdog=self.watchdog,
            vitals=vitals,
            breaker=Breaker(),
            effects=work.effects,
            resume=ResumeWatch(self.kafka, self.client_id, self.facts[dead_letters], self.name),
        )

    def told(self) -> dict[str, str]:
        """Return what there is to say of the service, for its first line."""
        return {
            "reads": ", ".join(self.read()),
            "records": self.path.name,
            "code": how_it_runs(),
            "transactional_id": self.client_id,
        }

    def _asked(self, what: str, action: Callable[[], T]) -> T:
        return until_answered(what, action, self.kafka, self.stop.wait)

    def _cluster_id(self) -> str:
        with Cluster(self.kafka, self.client_id) as cluster:
            return cluster.id()


def _consumer(kafka: KafkaSettings, name: str, read: Sequence[str], path: RecordPath) -> object:
    consumer = group_consumer(kafka, kafka.group_of(name), *read)
    path.prepare(consumer)
    return consumer
