"""``python -m legit_processor balance|statement|trial-balance``: what the ledger says."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from legit_processor.ledger.reading import balances, statement, trial_balance
from pipeline.contracts.display import printable
from pipeline.errors import EXIT_FAILURE, EXIT_UNAVAILABLE, SettingsError
from pipeline.runtime.database.engine import begun, is_missing, open_engine, shown
from pipeline.runtime.database.settings import LEDGER_DATABASE_URL
from pipeline.runtime.environment import Environment
from pipeline.runtime.transactional.effects import EffectsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

COMMANDS = ("balance", "statement", "trial-balance")
EPILOG = """exit codes: 0; 1 where an account has no entries, or all entries together are not zero; 2 where the command
or a variable is wrong; 69 where the database does not answer. LEDGER_DATABASE_URL says which ledger."""


def main(arguments: Sequence[str], values: Mapping[str, str]) -> int:
    """Carry out a command and return its exit code."""
    asked = parse(arguments)
    env = Environment(values)
    url = env.read(LEDGER_DATABASE_URL)
    if not env.problems and is_missing(url):
        sys.stderr.write(f"legit_processor: there is no {shown(url)} yet (LEDGER_DATABASE_URL); the service makes it\n")
        return EXIT_UNAVAILABLE
    try:
        env.check()
        engine = open_engine(url)
        try:
            with begun(engine, reading=True) as connection:
                return _carry_out(asked, connection)
        finally:
            engine.dispose()
    except (SettingsError, EffectsError) as error:
        sys.stderr.write(f"legit_processor: {error}\n")
        return error.exit_code if isinstance(error, SettingsError) else EXIT_UNAVAILABLE


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; ends the process with 2 where it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m legit_processor", description=__doc__, epilog=EPILOG)
    commands = parser.add_subparsers(dest="command", required=True)
    balance = commands.add_parser("balance", help="what an account has, by currency")
    lines = commands.add_parser("statement", help="what was booked on an account, in the order of its time")
    lines.add_argument("--since", type=_moment, help="from this moment on, such as 2026-01-31T08:00:00Z")
    for one in (balance, lines):
        one.add_argument("account")
    trial = commands.add_parser("trial-balance", help="all entries by currency: together they are zero")
    for one in (balance, lines, trial):
        one.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args(arguments)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise argparse.ArgumentTypeError("a moment with an offset was expected, such as 2026-01-31T08:00:00Z")
    return found


def _carry_out(asked: argparse.Namespace, connection: Connection) -> int:
    if asked.command == "trial-balance":
        totals = trial_balance(connection)
        _tell(asked, (one._asdict() for one in totals))
        return EXIT_FAILURE if any(one.sum for one in totals) else 0
    if asked.command == "balance":
        found = _tell(asked, (one._asdict() for one in balances(connection, asked.account)))
    else:
        found = _tell(asked, (one._asdict() for one in statement(connection, asked.account, asked.since)))
    if not found:
        sys.stderr.write(f"legit_processor: nothing was booked on {printable(asked.account)}\n")
        return EXIT_FAILURE
    return 0


def _tell(asked: argparse.Namespace, rows: Iterable[Mapping[str, Any]]) -> bool:
    """Write rows, as JSON a line each or as columns, and return whether there was any."""
    first = True
    for row in rows:
        told = {name: _moment_told(value) if isinstance(value, datetime) else value for name, value in row.items()}
        if asked.json:
            sys.stdout.write(json.dumps({name: _plain(value) for name, value in told.items()}) + "\n")
        else:
            if first:
                sys.stdout.write("  ".join(f"{name:>{_width(name)}}" for name in told) + "\n")
            sys.stdout.write(
                "  ".join(f"{printable(str(value)):>{_width(name)}}" for name, value in told.items()) + "\n"
            )
        first = False
    return not first


def _moment_told(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _plain(value: object) -> object:
    return value if isinstance(value, int | str) else str(value)


def _width(name: str) -> int:
    return {"moment": 32, "transaction_id": 36, "currency": 8, "entries": 8}.get(name, 20)
