"""``make bench``: what the pipeline can do, and with ``PEERS=1`` what others can.

Exits with 0 where all was measured, 1 where something was not, 2 on a wrong option.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from datetime import date
from typing import TYPE_CHECKING, Final

import msgspec
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.broker import broker
from bench.document import document
from bench.machine import this_machine
from bench.measuring import Measuring
from bench.plan import plan_of
from bench.results import Measured
from bench.tables import machine_line, tables
from bench.telling import Telling
from kafka_local import KafkaLocalError

if TYPE_CHECKING:
    from bench.plan import Plan
    from bench.results import Latency, Throughput

WIDE: Final = 190


def main(arguments: list[str]) -> int:
    """Measure what is asked for, show it, write it down, and return the exit code."""
    plan = plan_of(arguments)
    logging.basicConfig(level=logging.ERROR)
    # Like Ctrl-C: what was started is ended on the way out.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    if plan.read:
        measured = msgspec.json.decode(plan.json.read_bytes(), type=Measured)
    else:
        try:
            measured = _measure(plan, arguments)
        except KafkaLocalError as error:
            sys.stderr.write(f"bench: no Kafka: {error}\n")
            return 1
    _show(measured)
    if plan.document:
        document(measured)
    everything: list[Throughput | Latency] = [*measured.throughput, *measured.lengths, *measured.latency]
    return 0 if all(one.rounds and not one.failure for one in everything) else 1


def _measure(plan: Plan, arguments: list[str]) -> Measured:
    measured = Measured(
        command=plan.command(arguments),
        day=date.today().isoformat(),  # noqa: DTZ011 (the day of whoever measured)
        machine=this_machine(),
    )
    plan.json.parent.mkdir(parents=True, exist_ok=True)

    def keep() -> None:
        plan.json.write_bytes(msgspec.json.format(msgspec.json.encode(measured)) + b"\n")

    with Telling() as telling:
        telling.tell("starting Kafka")
        with broker(os.environ, thorough=plan.thorough) as cluster:
            Measuring(cluster.bootstrap_servers, plan, measured, telling.tell, keep).run()
    return measured


def _show(measured: Measured) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    console.print(f"{measured.day}, {machine_line(measured.machine)}", markup=False, highlight=False)
    for titled in tables(measured):
        table = Table(*titled.head, box=SIMPLE, title=titled.title, title_justify="left")
        for row in titled.rows:
            table.add_row(*row)
        console.print(table, markup=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
