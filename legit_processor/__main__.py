"""``python -m legit_processor``: the service, or a question to its ledger."""

import os
import sys
from pathlib import Path
from typing import TextIO

from dotenv import find_dotenv, load_dotenv

from legit_processor.command import COMMANDS, main
from legit_processor.handler import LegitProcessor
from legit_processor.ledger.store import Ledger
from legit_processor.settings import VARIABLES, LegitSettings
from pipeline.contracts.codec import Codec
from pipeline.runtime.database.engine import open_engine
from pipeline.runtime.database.migrating import migrate
from pipeline.runtime.database.settings import LEDGER_DATABASE_URL
from pipeline.runtime.database.startup import until_reached
from pipeline.runtime.lifecycle import Service, Stop, run
from pipeline.runtime.lines import StagedLines
from pipeline.runtime.pipes import to_its_end
from pipeline.runtime.service import Source, Work, serve
from pipeline.runtime.vitals import Vitals

NAME = "legit_processor"
MIGRATIONS = Path(__file__).parent / "ledger" / "migrations"


def process(settings: LegitSettings, stop: Stop, vitals: Vitals, stream: TextIO | None = None) -> None:
    """Settle legitimate transactions until a stop is requested."""
    engine = open_engine(settings.database)
    seconds = settings.common.kafka.startup_timeout_seconds
    until_reached(lambda: migrate(engine, MIGRATIONS), LEDGER_DATABASE_URL.name, seconds, stop.wait)

    def settle(codec: Codec, source: Source) -> Work:
        ledger = until_reached(
            lambda: Ledger(engine, source.cluster, source.topic_id, source.topic),
            LEDGER_DATABASE_URL.name,
            seconds,
            stop.wait,
        )
        processor = LegitProcessor(codec, StagedLines(stream or sys.stdout), ledger)
        vitals.add(processor.figures)
        return Work(processor, processor, settings.lost_effects, verb="settle")

    try:
        serve(NAME, settings.service, settle, stop, vitals)
    finally:
        engine.dispose()


SERVICE = Service(
    NAME,
    "Settle legitimate transactions in a ledger. `balance`, `statement` and `trial-balance` ask it; each has --help.",
    VARIABLES,
    LegitSettings.from_env,
    process,
)

if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    if sys.argv[1:2] and sys.argv[1] in COMMANDS:
        sys.exit(to_its_end(lambda: main(sys.argv[1:], os.environ)))
    sys.exit(run(SERVICE, os.environ, sys.argv[1:]))
