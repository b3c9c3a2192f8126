"""``python -m fraud_processor report``: what a day of frauds came to."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from fraud_processor.asking import asked_of
from fraud_processor.reports.day import day_before, day_of
from fraud_processor.reports.page import page_of
from fraud_processor.reports.text import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

NAME: Final = "report"
EPILOG: Final = """exit codes: 0; 1 where the file cannot be written; 2 where the command or a variable is wrong; 69
where the database does not answer. CASES_DATABASE_URL says which."""


class UnwritableError(Exception):
    """The page cannot be written there."""


def main(arguments: Sequence[str], values: Mapping[str, str]) -> int:
    """Carry out a command and return its exit code."""
    asked = parse(arguments)
    return asked_of(values, lambda connection: _report(asked, connection), writes=False, refused=(UnwritableError,))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; ends the process with 2 where it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m fraud_processor report", description=__doc__, epilog=EPILOG)
    told = "a day of UTC, such as 2026-01-31 [the one that was over last]"
    parser.add_argument("--day", type=_day, default=None, help=told)
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page instead of text")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args(arguments)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day was expected, such as 2026-01-31") from None


def _report(asked: argparse.Namespace, connection: Connection) -> None:
    day = day_of(connection, asked.day or day_before(datetime.now(UTC)))
    if asked.html is not None:
        try:
            asked.html.write_text(page_of(day), encoding="utf-8")
        except OSError as error:
            raise UnwritableError(f"{asked.html} cannot be written: {error.strerror}") from error
        sys.stderr.write(f"fraud_processor: wrote {asked.html}\n")
    if asked.json:
        rules = [{**msgspec.to_builtins(one), "precision": one.precision} for one in day.rules]
        sys.stdout.write(json.dumps({**msgspec.to_builtins(day), "rules": rules}) + "\n")
    elif asked.html is None:
        sys.stdout.write(text_of(day) + "\n")
