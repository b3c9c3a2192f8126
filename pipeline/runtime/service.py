"""Puts a service together: waits for its topics, builds loop and clients around its handler, runs until stopped."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pipeline.contracts import topics
from pipeline.contracts.codec import Codec
from pipeline.runtime.breaker import Breaker
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.consumers import group_consumer
from pipeline.runtime.clients.leftovers import Leftovers
from pipeline.runtime.clients.producers import transactional_producer
from pipeline.runtime.clients.replay import Replay
from pipeline.runtime.compiled import how_it_runs
from pipeline.runtime.health import Heartbeat
from pipeline.runtime.record_path import RecordPath, record_path
from pipeline.runtime.resume import ResumeWatch
from pipeline.runtime.startup import until_answered, wait_for_topics
from pipeline.runtime.transactional import Intake, Output, TransactionalLoop
from pipeline.runtime.transactional.batch_size import BatchSize
from pipeline.runtime.transactional.memory import Restoring
from pipeline.runtime.transactional.outputs_seen import OutputsSeen
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
    from pipeline.runtime.transactional.effects import Effects

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """What a service reads: a topic, by its id and its name, of a cluster."""

    cluster: str
    topic_id: str
    topic: str


@dataclass(frozen=True, slots=True)
class Work:
    """What a service does with records; ``effects`` are what of that is outside of Kafka (``start`` has ``lost``)."""

    handler: Handler
    effects: Effects | None = None
    lost_effects: str = REFUSE


def serve(  # noqa: PLR0913 (the parts of a service meet here)
    name: str,
    provided: ServiceSettings,
    make_work: Callable[[Codec, Source], Work],
    stop: Stop,
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
    source, outputs = topics.consumed_by(name), topics.produced_by(name)
    written = (*outputs, *hops)
    common, kafka = provided.common, provided.common.kafka
    client_id = f"{kafka.id_prefix}-{name}-{uuid.uuid4()}"
    hop_names = [common.topics[hop] for hop in hops]
    path = record_path(provided.record_path, is_input=source is topics.TRANSACTIONS, hops=hop_names)
    needed = {topic: common.topics[topic] for topic in (topics.TRANSACTIONS, source, *written)}
    by_name = wait_for_topics(needed.values(), kafka, client_id, stop.wait)
    facts = {topic: by_name[topic_name] for topic, topic_name in needed.items()}
    watchdog = Watchdog()
    leftovers = Leftovers(
        kafka, client_id, f"{kafka.id_prefix}-{name}-", kafka.group_of(name), [facts[topic] for topic in written]
    )
    until_answered("looking for what was left open", lambda: leftovers.after(()), kafka, stop.wait)
    output = until_answered(
        "initialising the transactional id",
        lambda: Output(
            partial(_producer, kafka, client_id, facts), facts, watchdog, _now_ms, leftovers, path.make_sender()
        ),
        kafka,
        stop.wait,
    )
    seen = OutputsSeen(kafka, client_id, [facts[topic] for topic in outputs], [facts[hop] for hop in hops])
    make_consumer = partial(_consumer, kafka, name, (facts[source].name, *hop_names), path)
    found = Source(
        until_answered("asking for the cluster's id", lambda: _cluster_id(kafka, client_id), kafka, stop.wait),
        facts[source].id,
        facts[source].name,
    )
    work = make_work(Codec(common.format, facts[topics.TRANSACTIONS].id), found)
    handler = work.handler
    memory = Restoring(Replay(kafka, f"{client_id}-replay", path, _now_ms), handler)
    intake = until_answered(
        "connecting the consumer",
        lambda: Intake(
            make_consumer,
            read=path.read,
            lost=provided.lost_offsets,
            has_outputs=seen.behind,
            memory=memory,
            marks=marks,
            effects=work.effects,
            lost_effects=work.lost_effects,
        ),
        kafka,
        stop.wait,
    )
    about = {
        "reads": ", ".join((facts[source].name, *hop_names)),
        "records": path.name,
        "code": how_it_runs(),
        "transactional_id": client_id,
    }
    logger.info("started", extra=about)
    TransactionalLoop(
        service=name,
        intake=intake,
        output=output,
        handler=handler,
        dead_letters=topics.dead_letters_of(source),
        size=BatchSize(provided.batch_limits),
        watchdog=watchdog,
        beat=Heartbeat(common.process.heartbeat_file).beat,
        breaker=Breaker(),
        effects=work.effects,
        resume=ResumeWatch(kafka, client_id, facts[topics.dead_letters_of(source)], name),
    ).run(stop)


def _producer(kafka: KafkaSettings, transactional_id: str, facts: dict[Topic, TopicFacts]) -> object:
    largest = max(found.max_message_bytes for found in facts.values())
    return transactional_producer(kafka, transactional_id, largest)


def _consumer(kafka: KafkaSettings, name: str, read: Sequence[str], path: RecordPath) -> object:
    consumer = group_consumer(kafka, kafka.group_of(name), *read)
    path.prepare(consumer)
    return consumer


def _cluster_id(kafka: KafkaSettings, client_id: str) -> str:
    with Cluster(kafka, client_id) as cluster:
        return cluster.id()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
