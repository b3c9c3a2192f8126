"""``python -m bench.effects``: how many records a second a processor saves in its database, without Kafka.

Payments or frauds are there already: they are read, decided, and saved in batches, each with its watermark, in a
database that flushes at every commit. SQLite in a file, or what --database names, which has to be empty.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import fraud_processor.__main__
import legit_processor.__main__
from bench.document import put_table
from bench.machine import this_machine
from bench.tables import Titled
from fraud_processor.cases.store import Cases
from fraud_processor.handler import FraudProcessor
from legit_processor.handler import LegitProcessor
from legit_processor.ledger.store import Ledger
from pipeline.contracts.codec import Codec, with_verdict
from pipeline.contracts.coordinates import Coordinates
from pipeline.contracts.formats.transfer import TransferFormat
from pipeline.contracts.messages import Hit, Verdict
from pipeline.contracts.records import Record
from pipeline.runtime.database.engine import database_url, open_engine, shown
from pipeline.runtime.database.migrating import migrate
from pipeline.runtime.lines import StagedLines
from pipeline.runtime.service import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

LEDGER: Final = "ledger"
CASES: Final = "cases"
BOTH: Final = "both"
BEGIN, END = "<!-- effects: made by `python -m bench.effects` -->", "<!-- /effects -->"
GOALS_PER_SECOND: Final = {LEDGER: 10_000, CASES: 1_000}
NOW_MS: Final = 1_795_345_200_000
DAY_US: Final = 86_400_000_000


class Saved(NamedTuple):
    """What was measured: records, and how long all of them took."""

    records: int
    batch: int
    seconds: float
    processor_seconds: float

    @property
    def per_second(self) -> float:
        """Records a second, by the clock on the wall."""
        return self.records / self.seconds


def records(count: int, accounts: int, *, frauds: bool) -> list[Record]:
    """Return transfers between so many accounts, as they stand on a branch."""
    hit = Hit(rule="large-amount", severity="high", score=100, message="12.50 >= 9", values={"amount": "12.50"})
    verdict = Verdict(ruleset="bench", score=100, hits=[hit])
    made = []
    for number in range(count):
        members = {
            "transaction_id": f"{number:032x}",
            "source": f"A{number % accounts}",
            "target": f"B{number * 7 % accounts}",
            "amount": 12.5,
            "currency": "EUR",
        }
        value = json.dumps(members).encode()
        told = with_verdict(value, verdict) if frauds else value
        made.append(Record("branch", 0, number, NOW_MS, b"A", told, (), Coordinates(0, number)))
    return made


def processor_of(what: str, engine: Engine) -> LegitProcessor | FraudProcessor:
    """Return a processor with an empty database."""
    codec, lines = Codec(TransferFormat(), "bench"), StagedLines(io.StringIO())
    if what == LEDGER:
        migrate(engine, legit_processor.__main__.MIGRATIONS)
        return LegitProcessor(codec, lines, Ledger(engine, "bench", "bench", "branch"))
    migrate(engine, fraud_processor.__main__.MIGRATIONS)
    cases = Cases(engine, DAY_US, {"outlet": 0}, Source("bench", "bench", "branch"))
    return FraudProcessor(codec, lines, cases, lambda: None)


def save(processor: LegitProcessor | FraudProcessor, branch: list[Record], batch: int) -> Saved:
    """Handle and save records in batches, as the loop does."""
    processor.resumed([("branch", 0)])
    begun, worked = time.perf_counter(), time.process_time()
    for start in range(0, len(branch), batch):
        some = branch[start : start + batch]
        for one in some:
            processor.handle(one)
        if processor.refused():
            raise AssertionError("the database is not empty")
        processor.save({("branch", 0): some[-1].offset + 1})
        processor.committed()
    return Saved(len(branch), batch, time.perf_counter() - begun, time.process_time() - worked)


def table(measured: Mapping[str, Saved], where: str) -> Titled:
    """Return the figures for people, by what was saved."""
    names = {LEDGER: "payments in the ledger", CASES: "frauds in cases"}
    rows: list[tuple[str, ...]] = [
        (
            names[what],
            f"{one.records:,}",
            f"{one.batch:,}",
            f"{one.per_second:,.0f}",
            f"{GOALS_PER_SECOND[what]:,}",
            f"{one.processor_seconds / one.records * 1e6:.0f}",
        )
        for what, one in measured.items()
    ]
    head = ("what", "records", "in a transaction", "a second", "goal", "µs of the processor")
    return Titled(f"Effects, without Kafka, in {where}", head, rows)


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit code: 1 where a goal is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.effects", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    both = "payments in the ledger, or frauds in cases, or both"
    parser.add_argument("what", choices=(*GOALS_PER_SECOND, BOTH), help=both)
    parser.add_argument("--records", type=int, default=100_000, help="how many (%(default)s)")
    parser.add_argument("--accounts", type=int, default=10_000, help="of so many; 1: one case (%(default)s)")
    parser.add_argument("--batch", type=int, default=2_000, help="in one transaction (%(default)s)")
    parser.add_argument("--database", type=database_url, help="its URL, of one of them [SQLite in a file]")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--document", action="store_true", help="also write them into docs/performance.md")
    asked = parser.parse_args(arguments)
    if asked.database and asked.what == BOTH:
        parser.error("a database is for one of them")
    machine = this_machine()
    found: dict[str, Saved] = {}
    for what in GOALS_PER_SECOND if asked.what == BOTH else (asked.what,):
        with tempfile.TemporaryDirectory() as folder:
            url = asked.database or database_url(f"sqlite:///{Path(folder) / 'effects.sqlite'}")
            engine = open_engine(url)
            branch = records(asked.records, asked.accounts, frauds=what == CASES)
            found[what] = save(processor_of(what, engine), branch, asked.batch)
            engine.dispose()
    made = table(found, shown(asked.database) if asked.database else "a file of SQLite")
    if asked.json:
        told = {what: {**one._asdict(), "per_second": round(one.per_second)} for what, one in found.items()}
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        for row in made.rows:
            sys.stdout.write("".join(f"{cell:>24}  {name}\n" for name, cell in zip(made.head, row, strict=True)))
    if asked.document:
        put_table(BEGIN, END, f"python -m bench.effects {asked.what}", machine, made)
    return int(any(one.per_second < GOALS_PER_SECOND[what] for what, one in found.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
