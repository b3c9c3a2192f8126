"""``make chaos``: hurt the pipeline in every way we know, and let the auditor say whether anything is lost or doubled.

Exits with 0 where nothing is, 1 where something is or a scenario could not be played to its end, 2 on a wrong option.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
from datetime import date
from pathlib import Path

import msgspec
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.runtime.record_path import BATCHES, CLIENT_BATCHES, RECORDS
from tests.chaos.playing import play_all
from tests.chaos.result import HEAD, Result, markdown, rows
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.support.deployment import ROOT
from tests.support.mutations import MUTATIONS

KILLS_VARIABLE = "CHAOS_KILLS"
DEFAULT_KILLS = 50
RESULTS = ROOT / "build" / "chaos.json"
DOCUMENT = ROOT / "docs" / "reliability.md"
WIDE = 150
BEGIN, END = "<!-- chaos: made by `make chaos` -->", "<!-- /chaos -->"


def main(arguments: list[str]) -> int:
    """Play what is asked for, show it, write it down, and return the exit code."""
    chosen = _parser().parse_args(arguments)
    console = Console(stderr=True, width=None if sys.stderr.isatty() else WIDE)
    if chosen.list:
        sys.stdout.writelines(f"{scenario.name:26} {scenario.told}\n" for scenario in SCENARIOS)
        return 0
    if chosen.read:
        results = msgspec.json.decode(chosen.json.read_bytes(), type=list[Result])
    else:
        results = _play(chosen.only or list(SCENARIOS), chosen, console)
    table = Table(*HEAD, box=SIMPLE)
    for row in rows(results):
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)
    if chosen.document:
        _document(results, chosen)
    return 0 if all(result.passed or result.not_here for result in results) else 1


def _play(scenarios: list[Scenario], chosen: argparse.Namespace, console: Console) -> list[Result]:
    results: list[Result] = []
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    # Like Ctrl-C: what was started is ended on the way out.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    console.print(f"{len(scenarios)} scenarios, {chosen.kills} kills, seed {chosen.seed}; results go to {chosen.json}")
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("chaos", total=len(scenarios))

        def tell(what: str) -> None:
            progress.update(task, description=f"{what:28}")

        how = {"mutation": chosen.mutation, "record_path": chosen.record_path}
        for result in play_all(scenarios, chosen.kills, chosen.seed, tell=tell, **how):
            results.append(result)
            chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
            progress.console.print(_line(result), markup=False, highlight=False)
            progress.advance(task)
    return results


def _document(results: list[Result], chosen: argparse.Namespace) -> None:
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    path = "" if chosen.record_path == BATCHES else f" --record-path {chosen.record_path}"
    made_by = f'`CHAOS_KILLS={chosen.kills} make chaos ARGS="--seed {chosen.seed}{path} --document"`'
    told = f"{date.today().isoformat()}, {made_by}:"  # noqa: DTZ011 (the day of whoever measured)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{told}\n\n{markdown(results)}\n{END}{rest.partition(END)[2]}")


def _line(result: Result) -> str:
    if result.not_here:
        return f"not run  {result.scenario}: {result.failure}"
    word = "passed  " if result.passed else "FAILED  "
    told = result.audit or result.failure
    more = f" | {result.failure}" if result.failure and result.audit else ""
    return f"{word} {result.scenario} in {result.seconds:.0f} s, {result.faults} faults: {told}{more}"


def _parser() -> argparse.ArgumentParser:
    by_name = {scenario.name: scenario for scenario in SCENARIOS}

    def scenario(text: str) -> Scenario:
        if text not in by_name:
            raise argparse.ArgumentTypeError(f"no scenario {text!r}; --list names them")
        return by_name[text]

    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    kills = os.environ.get(KILLS_VARIABLE, "").strip() or str(DEFAULT_KILLS)
    parser.add_argument(
        "--kills", type=int, default=kills, help=f"length of the run [{KILLS_VARIABLE}, {DEFAULT_KILLS}]"
    )
    parser.add_argument("--only", type=scenario, nargs="+", metavar="SCENARIO", help="play these alone")
    parser.add_argument(
        "--record-path",
        choices=(BATCHES, CLIENT_BATCHES, RECORDS),
        default=BATCHES,
        help=f"how services move records [{BATCHES}]",
    )
    parser.add_argument("--list", action="store_true", help="name the scenarios")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeat a run's choices")  # noqa: S311
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help=f"where results go [{RESULTS}]")
    parser.add_argument("--read", action="store_true", help="play nothing, show the results of an earlier run")
    parser.add_argument("--document", action="store_true", help=f"also write the table into {DOCUMENT.name}")
    parser.add_argument("--mutation", choices=MUTATIONS, default="", help="take a guard out: the run has to fail")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
