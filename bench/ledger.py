"""``python -m bench.ledger``: how many payments a second one process settles in the ledger, without Kafka.

Payments are there already: they are read, decided, and saved in batches, each with its watermark, in a database that
flushes at every commit. SQLite in a file, or what LEDGER_DATABASE_URL names, which has to be empty.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from legit_processor.__main__ import MIGRATIONS
from legit_processor.handler import LegitProcessor
from legit_processor.ledger.store import Ledger
from pipeline.contracts.codec import Codec
from pipeline.contracts.coordinates import Coordinates
from pipeline.contracts.formats.transfer import TransferFormat
from pipeline.contracts.records import Record
from pipeline.runtime.database.engine import database_url, open_engine, shown
from pipeline.runtime.database.migrating import migrate
from pipeline.runtime.database.settings import LEDGER_DATABASE_URL
from pipeline.runtime.lines import StagedLines

if TYPE_CHECKING:
    from sqlalchemy import Engine

GOAL_PER_SECOND: Final = 10_000
ACCOUNTS: Final = 10_000
NOW_MS: Final = 1_795_345_200_000


class Settled(NamedTuple):
    """What was measured: payments, and how long all of them took."""

    payments: int
    batch: int
    seconds: float
    processor_seconds: float

    @property
    def per_second(self) -> float:
        """Payments a second, by the clock on the wall."""
        return self.payments / self.seconds


def records(count: int) -> list[Record]:
    """Return transfers between ten thousand accounts, as they stand on the legit topic."""
    made = []
    for number in range(count):
        members = {
            "transaction_id": f"{number:032x}",
            "source": f"A{number % ACCOUNTS}",
            "target": f"B{number * 7 % ACCOUNTS}",
            "amount": 12.5,
            "currency": "EUR",
        }
        value = json.dumps(members).encode()
        made.append(Record("legit", 0, number, NOW_MS, b"A", value, (), Coordinates(0, number)))
    return made


def settle(engine: Engine, payments: list[Record], batch: int) -> Settled:
    """Settle payments in batches, as the loop does."""
    ledger = Ledger(engine, "bench", "bench", "legit")
    processor = LegitProcessor(Codec(TransferFormat(), "bench"), StagedLines(io.StringIO()), ledger)
    processor.resumed([("legit", 0)])
    begun, worked = time.perf_counter(), time.process_time()
    for start in range(0, len(payments), batch):
        some = payments[start : start + batch]
        for one in some:
            processor.handle(one)
        if processor.refused():
            raise AssertionError("the database is not empty")
        processor.save({("legit", 0): some[-1].offset + 1})
        processor.committed()
    return Settled(len(payments), batch, time.perf_counter() - begun, time.process_time() - worked)


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit code: 1 where the goal is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.ledger", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--payments", type=int, default=100_000, help="how many (%(default)s)")
    parser.add_argument("--batch", type=int, default=2_000, help="in one transaction (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        named = os.environ.get(LEDGER_DATABASE_URL.name) or f"sqlite:///{Path(folder) / 'ledger.sqlite'}"
        url = database_url(named)
        engine = open_engine(url)
        migrate(engine, MIGRATIONS)
        found = settle(engine, records(asked.payments), asked.batch)
        engine.dispose()
    told = {**found._asdict(), "per_second": round(found.per_second), "goal": GOAL_PER_SECOND, "database": shown(url)}
    if asked.json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        for name, value in told.items():
            sys.stdout.write(f"{value if not isinstance(value, float) else format(value, '.2f'):>40}  {name}\n")
    return int(found.per_second < GOAL_PER_SECOND)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
