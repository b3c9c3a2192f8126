"""``python -m fraud_processor``: the service, or a command about its cases."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from dotenv import find_dotenv, load_dotenv

from fraud_processor import command
from fraud_processor.api.application import application
from fraud_processor.cases.changing import LABELS_OUTLET, RELEASED_OUTLET
from fraud_processor.cases.store import Cases
from fraud_processor.handler import FraudProcessor
from fraud_processor.outbox.left_behind import warn_of_what_is_left_behind
from fraud_processor.outbox.sender import Looks, Sender, Senders
from fraud_processor.outlets.choosing import outlets
from fraud_processor.outlets.labels import labels
from fraud_processor.outlets.records import RecordsOutlet
from fraud_processor.outlets.released import released
from fraud_processor.reports import command as report
from fraud_processor.reports.daily import Reporter
from fraud_processor.settings import VARIABLES, FraudSettings
from pipeline.contracts import topics
from pipeline.runtime.database.engine import open_engine
from pipeline.runtime.database.migrating import migrate
from pipeline.runtime.database.settings import CASES_DATABASE_URL
from pipeline.runtime.database.startup import until_reached
from pipeline.runtime.http import Address, listen
from pipeline.runtime.lifecycle import Service, Stop, run
from pipeline.runtime.lines import StagedLines
from pipeline.runtime.pipes import to_its_end
from pipeline.runtime.service import Source, Work, serve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from fraud_processor.outlets.outlet import Outlet
    from pipeline.contracts.codec import Codec
    from pipeline.runtime.vitals import Vitals

logger = logging.getLogger(__name__)

NAME = "fraud_processor"
COMMANDS = {command.NAME: command.main, report.NAME: report.main}
MIGRATIONS = Path(__file__).parent / "cases" / "migrations"


def process(settings: FraudSettings, stop: Stop, vitals: Vitals, stream: TextIO | None = None) -> None:
    """Gather frauds in cases, and tell of them, until a stop is requested."""
    engine = open_engine(settings.database)
    seconds = settings.common.kafka.startup_timeout_seconds
    until_reached(lambda: migrate(engine, MIGRATIONS), CASES_DATABASE_URL.name, seconds, stop.wait)
    chosen = outlets(settings.alerts.addresses, settings.alerts.key)
    floors = {one.outlet.name: one.floor for one in chosen}
    senders = _senders([one.outlet for one in chosen], settings, engine, vitals)
    named = (LABELS_OUTLET, RELEASED_OUTLET, *floors)
    until_reached(lambda: warn_of_what_is_left_behind(engine, named), CASES_DATABASE_URL.name, seconds, stop.wait)

    def gather(codec: Codec, source: Source) -> Work:
        cases = until_reached(
            lambda: Cases(engine, settings.case_window_us, floors, source),
            CASES_DATABASE_URL.name,
            seconds,
            stop.wait,
        )
        processor = FraudProcessor(codec, StagedLines(stream or sys.stdout), cases, senders.grown)
        vitals.add(processor.figures)
        return Work(processor, processor, settings.lost_effects, verb="gather")

    token, api = settings.api.token, None
    # Connections of its own: callers that ask much wait for each other, and hold up neither alerts nor messages.
    asked = open_engine(settings.database)
    try:
        if token is not None:
            where = Address(settings.api.host, settings.api.port, "CASES_API_HOST, CASES_API_PORT")
            api = listen(where, application(asked, token, senders.wake))
            logger.info("the cases are at %s", api.address)
        senders.start()
        serve(NAME, settings.service, gather, stop, vitals)
    finally:
        if api is not None:
            api.end()
        senders.end()
        asked.dispose()
        engine.dispose()


def _senders(told: Sequence[Outlet], settings: FraudSettings, engine: Engine, vitals: Vitals) -> Senders:
    """Return what sends to all outlets: those that are to be told of cases, and topics."""
    kafka, names = settings.common.kafka, settings.common.topics
    to_topics = [
        RecordsOutlet(LABELS_OUTLET, engine, kafka, names[topics.LABELS], labels),
        RecordsOutlet(RELEASED_OUTLET, engine, kafka, names[topics.LEGIT], released),
    ]
    how = (settings.alerts.interval_us, settings.alerts.limit, vitals.tracer)
    telling = [Sender(engine, one, *how) for one in told]
    others = [Sender(engine, one, *how) for one in to_topics]
    for sender in (*others, *telling):
        vitals.add(sender.figures)
    looking: list[Looks] = [*others]
    if told and settings.alerts.report_at is not None:
        looking.append(Reporter(engine, [one.name for one in told], settings.alerts.report_at))
    return Senders(telling, looking)


SERVICE = Service(
    NAME,
    "Gather frauds in cases, and raise the alarm for each. `cases` lists, shows and resolves them, `report` "
    "tells of a day; each has --help.",
    VARIABLES,
    FraudSettings.from_env,
    process,
)

if __name__ == "__main__":
    load_dotenv(find_dotenv(usecwd=True))
    if sys.argv[1:2] and sys.argv[1] in COMMANDS:
        sys.exit(to_its_end(lambda: COMMANDS[sys.argv[1]](sys.argv[2:], os.environ)))
    sys.exit(run(SERVICE, os.environ, sys.argv[1:]))
