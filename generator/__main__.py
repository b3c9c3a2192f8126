"""``python -m generator``."""

import os
import sys
from random import Random, SystemRandom

from dotenv import find_dotenv, load_dotenv

from generator.sending import Sender, most_in_flight
from generator.settings import VARIABLES, GeneratorSettings
from generator.transactions import PaymentSource, TransferSource
from pipeline.contracts import topics
from pipeline.contracts.formats import PaymentFormat
from pipeline.runtime.clients.producers import plain_producer
from pipeline.runtime.health import Heartbeat
from pipeline.runtime.lifecycle import Service, Stop, run
from pipeline.runtime.publisher import Publisher
from pipeline.runtime.record_path import outlet_of
from pipeline.runtime.startup import until_answered, wait_for_topics

FINISH_SECONDS = 20.0


def generate(settings: GeneratorSettings, stop: Stop) -> None:
    """Send transactions until the count is reached or a stop is requested."""
    kafka, name = settings.common.kafka, settings.common.topics[topics.TRANSACTIONS]
    client_id = f"{kafka.id_prefix}-generator"
    facts = wait_for_topics([name], kafka, client_id, stop.wait)[name]
    producer = until_answered("connecting", lambda: plain_producer(kafka, client_id), kafka, stop.wait)
    outlet = outlet_of(settings.record_path, producer, facts)
    publisher = Publisher(outlet, most_in_flight(settings.per_second))
    chance = Random(SystemRandom().getrandbits(64) if settings.seed is None else settings.seed)  # noqa: S311 (no secret)
    of_payments = settings.common.format.name == PaymentFormat.name
    source = PaymentSource(chance, settings.timezone) if of_payments else TransferSource(chance, settings.currency)
    beat = Heartbeat(settings.common.process.heartbeat_file).beat
    try:
        Sender(source, publisher, settings.per_second, settings.count, beat).run(stop)
    finally:
        publisher.finish(FINISH_SECONDS)


SERVICE = Service("generator", "Make up transactions and send them.", VARIABLES, GeneratorSettings.from_env, generate)

if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    sys.exit(run(SERVICE, os.environ, sys.argv[1:]))
