"""``python -m generator``."""

import os
import sys
from datetime import UTC, datetime
from random import Random, SystemRandom
from typing import TypeVar

from dotenv import find_dotenv, load_dotenv

from generator.connecting import publisher_of
from generator.figures import figures_of
from generator.labelled import LabelledPublisher
from generator.scenario_settings import REALISTIC
from generator.sending import Sender, Takes
from generator.settings import VARIABLES, GeneratorSettings
from generator.sources import realistic_source, uniform_source
from generator.transactions import Source
from pipeline.contracts import topics
from pipeline.runtime.lifecycle import Service, Stop, run
from pipeline.runtime.vitals import Vitals

FINISH_SECONDS = 20.0

T = TypeVar("T")


def generate(settings: GeneratorSettings, stop: Stop, vitals: Vitals) -> None:
    """Send transactions until the count is reached or a stop is requested."""
    chance = Random(SystemRandom().getrandbits(64) if settings.seed is None else settings.seed)  # noqa: S311 (no secret)
    if settings.scenario.name == REALISTIC:
        labels = publisher_of(settings, topics.LABELS, stop)
        transactions = publisher_of(settings, topics.TRANSACTIONS, stop, vitals.tracer)
        both = LabelledPublisher(transactions, labels)
        vitals.add(lambda: figures_of(transactions))
        _send(realistic_source(settings, chance, datetime.now(UTC)), both, settings, stop, vitals)
    else:
        publisher = publisher_of(settings, topics.TRANSACTIONS, stop, vitals.tracer)
        vitals.add(lambda: figures_of(publisher))
        _send(uniform_source(settings, chance), publisher, settings, stop, vitals)


def _send(source: Source[T], publisher: Takes[T], settings: GeneratorSettings, stop: Stop, vitals: Vitals) -> None:
    def beat() -> None:
        vitals.beat()
        vitals.why_not = "" if publisher.room > 0 else "brokers do not acknowledge what was sent"

    try:
        Sender(source, publisher, settings.per_second, settings.count, beat).run(stop)
    finally:
        publisher.finish(FINISH_SECONDS)


SERVICE = Service("generator", "Make up transactions and send them.", VARIABLES, GeneratorSettings.from_env, generate)

if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    sys.exit(run(SERVICE, os.environ, sys.argv[1:]))
