"""Connects the generator to the topics that it writes."""

from __future__ import annotations

from random import SystemRandom
from typing import TYPE_CHECKING

from generator.sending import most_in_flight
from pipeline.contracts import topics
from pipeline.runtime.clients.producers import plain_producer
from pipeline.runtime.publisher import Publisher
from pipeline.runtime.record_path import outlet_of
from pipeline.runtime.startup import until_answered, wait_for_topics
from pipeline.runtime.tracing.publishing import TracedOutlet

if TYPE_CHECKING:
    from generator.settings import GeneratorSettings
    from pipeline.contracts.topics import Topic
    from pipeline.runtime.lifecycle import Stop
    from pipeline.runtime.tracing.tracer import Tracer


def publisher_of(settings: GeneratorSettings, topic: Topic, stop: Stop, tracer: Tracer | None = None) -> Publisher:
    """Return a publisher to a topic, with a producer of its own, once brokers and topic are there.

    ``tracer`` begins traces with some of what is published.
    """
    kafka, name = settings.common.kafka, settings.common.topics[topic]
    client_id = f"{kafka.id_prefix}-generator" + ("" if topic is topics.TRANSACTIONS else f"-{topic.key}")
    facts = wait_for_topics([name], kafka, client_id, stop.wait)[name]
    producer = until_answered("connecting", lambda: plain_producer(kafka, client_id), kafka, stop.wait)
    outlet = outlet_of(settings.record_path, producer, facts)
    if tracer is not None:
        # Which are traced is no matter of the seed: the same transactions come with traces and without.
        outlet = TracedOutlet(outlet, tracer, SystemRandom())
    return Publisher(outlet, most_in_flight(settings.per_second))
