"""Writes what was measured into ``docs/performance.md``, between marks."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from bench.charts import charts
from bench.processes import ROOT
from bench.tables import machine_line, tables
from pipeline.runtime.compiled import COMPILED

if TYPE_CHECKING:
    from bench.results import Machine, Measured
    from bench.tables import Titled

DOCUMENT: Final = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench: made by `make bench` -->", "<!-- /bench -->"


def document(measured: Measured) -> None:
    """Put the tables and charts in the place of those before.

    Raises:
        ValueError: the document has no place for them.

    """
    put(BEGIN, END, markdown(measured))


def marks(command: str, code: str) -> tuple[str, str]:
    """Return the marks of a command's table; code that is compiled has one of its own, beside that of what is not."""
    name = command.rpartition(".")[2] + (f" {code}" if code == COMPILED else "")
    return f"<!-- {name}: made by `python -m {command}` -->", f"<!-- /{name} -->"


def put(begin: str, end: str, text: str) -> None:
    """Put a text between two marks, in the place of what stood there.

    Raises:
        ValueError: the document has no such marks.

    """
    whole = DOCUMENT.read_text("utf-8")
    before, found, rest = whole.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{DOCUMENT.name} has no {begin} ... {end}")
    DOCUMENT.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")


def put_table(begin: str, end: str, command: str, machine: Machine, table: Titled) -> None:
    """Put a table between two marks, under a line that says by which command it was made today, and on what.

    Raises:
        ValueError: the document has no such marks.

    """
    put(begin, end, f"{_made(date.today().isoformat(), command, machine)}\n\n{cells(table)}")  # noqa: DTZ011 (a person's day)


def _made(day: str, command: str, machine: Machine) -> str:
    return f"{day}, `{command}`, on {machine_line(machine)}."


def markdown(measured: Measured) -> str:
    """Return the report as it stands in a document."""
    parts = [
        _made(measured.day, measured.command, measured.machine),
        *(cells(table) for table in tables(measured)),
        *charts(measured),
    ]
    return "\n\n".join(parts)


def cells(table: Titled) -> str:
    """Return a table as it stands in a document."""
    lines = [table.head, ("---",) * len(table.head), *table.rows]
    drawn = "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
    return f"### {table.title}\n\n{drawn}"
