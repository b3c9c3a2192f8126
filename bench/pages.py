"""``python -m bench.pages``: how the dashboard takes many pages that look at a thousand transactions a second.

A Kafka of its own, all services and the dashboard: first nobody looks, then so many pages, each reading its stream of
events as a browser does. The age of an event is the time from its record's own to its arrival at a page, so the
pipeline's latency is part of it. Then a detector works off a backlog as fast as it can, without a dashboard, with one,
and with so many pages. Exits with 1 where 95 of 100 events are older than a second, the dashboard takes more than half
a core, or a record takes more of the detector's processor time with pages, in all rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.deployment import Deployment
from bench.document import put_table
from bench.joining import wait_for_members
from bench.looking import Pages
from bench.machine import this_machine
from bench.percentiles import percentiles_ms
from bench.processes import EndedError, Processes
from bench.subjects import DETECTOR, PIPELINE
from bench.tables import Titled
from bench.telling import Telling
from bench.watched import free_port, rows_of, watched, within_noise
from kafka_local import Cluster, KafkaLocalError
from pipeline.errors import PipelineError
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.processes import Running
    from bench.results import Drained

BEGIN, END = "<!-- pages: made by `python -m bench.pages` -->", "<!-- /pages -->"
LIMIT_P95_MS: Final = 1_000.0
LIMIT_CORES: Final = 0.5
START_SECONDS: Final = 180.0
READY_SECONDS: Final = 15.0


class Looked(NamedTuple):
    """What came of it: shares of a core without and with pages, ages in milliseconds, rows that pages were shown."""

    dashboard_cores: tuple[float, float]
    detector_cores: tuple[float, float]
    ages_ms: dict[str, float]
    rows: int
    told: int
    pages: int


def measure(bootstrap: str, rate: int, pages: int, seconds: float, tell: Callable[[str], None]) -> Looked:
    """Play it, and return what came of it.

    Raises:
        EndedError: a process ended, or a page did.
        KafkaError: the broker does not answer.

    """
    deployment = Deployment(bootstrap)
    deployment.provision()
    with Processes() as processes:
        PIPELINE.start(deployment, processes, quick_commits=True)
        wait_for_members(deployment, PIPELINE, processes)
        port = free_port()
        shown = processes.module("dashboard", "dashboard", deployment.environ | {"DASHBOARD_PORT": str(port)})
        load = {"TRANSACTIONS_PER_SECOND": str(rate), "GENERATOR_SEED": "1"}
        processes.module("generator", "generator", deployment.environ | load)
        tell("waiting for the first transactions")
        asyncio.run(Pages(port).wait_for_rows(START_SECONDS))
        time.sleep(READY_SECONDS)
        watched = (shown, processes.running[DETECTOR])
        tell("nobody looks")
        alone = _cores(watched, lambda: time.sleep(seconds))
        found = Pages(port)
        tell(f"{pages} pages look")
        together = _cores(watched, lambda: asyncio.run(found.look(pages, seconds)))
        processes.check()
    return Looked(
        (alone[0], together[0]),
        (alone[1], together[1]),
        percentiles_ms(found.ages_ns),
        found.rows,
        found.told,
        pages,
    )


def _cores(watched: tuple[Running, ...], work: Callable[[], None]) -> list[float]:
    before, begun = [one.cpu_seconds() for one in watched], time.monotonic()
    work()
    took = time.monotonic() - begun
    return [round((one.cpu_seconds() - cpu) / took, 3) for one, cpu in zip(watched, before, strict=True)]


def _asked(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--rate", type=int, default=1_000, help="transactions a second (%(default)s)")
    parser.add_argument("--pages", type=int, default=200, help="how many look (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long, without and with pages (%(default)s)")
    parser.add_argument("--backlog", type=int, default=400_000, help="what a detector works off (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="how often, in each of the three ways (%(default)s)")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--document", action="store_true", help="also write it into docs/performance.md")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit code."""
    asked = _asked(arguments)
    logging.basicConfig(level=logging.ERROR)
    machine = this_machine()
    try:
        with Telling() as telling, Cluster() as cluster:
            bootstrap, tell = cluster.bootstrap_servers, telling.tell
            found = measure(bootstrap, asked.rate, asked.pages, asked.seconds, tell)
            drained = watched(bootstrap, asked.backlog, asked.rounds, asked.pages, tell)
    except (EndedError, KafkaError, KafkaLocalError, PipelineError, TimeoutError, OSError) as error:
        sys.stderr.write(f"pages: could not be played: {error or type(error).__name__}\n")
        return 1
    titled = table(found, drained, asked)
    good = passed(found, drained)
    if asked.json:
        told = {name: [one.per_second for one in rounds] for name, rounds in drained.items()}
        costs = {name: [one.cpu_us for one in rounds] for name, rounds in drained.items()}
        told_of = {**found._asdict(), "rate": asked.rate, "per_second": told, "cpu_us": costs, "passed": good}
        sys.stdout.write(json.dumps(told_of) + "\n")
    else:
        sys.stdout.writelines(f"{what}: {figure}\n" for what, figure in titled.rows)
        limits = f"p95 below {LIMIT_P95_MS:g} ms, dashboard below {LIMIT_CORES:g} cores, no more CPU of the detector"
        sys.stdout.write(f"{'passed' if good else 'FAILED'}: {limits} with pages, within noise\n")
    if asked.document:
        put_table(BEGIN, END, "python -m bench.pages", machine, titled)
    return 0 if good else 1


def passed(found: Looked, drained: dict[str, list[Drained]]) -> bool:
    """Tell whether all limits are kept."""
    return (
        found.ages_ms.get("p95", LIMIT_P95_MS) < LIMIT_P95_MS
        and found.dashboard_cores[1] < LIMIT_CORES
        and within_noise(drained)
    )


def table(found: Looked, drained: dict[str, list[Drained]], asked: argparse.Namespace) -> Titled:
    """Return what came of it for a document."""
    rows: list[tuple[str, ...]] = [
        ("transactions a second, for so many seconds", f"{asked.rate:,}, {asked.seconds:g}"),
        *((f"age of an event at a page, {name}, ms", f"{value:.0f}") for name, value in found.ages_ms.items()),
        ("rows that a page was shown, and told of", f"{found.rows // found.pages:,}, {found.told // found.pages:,}"),
        ("cores of the dashboard, and where nobody looks", "{1:.2f}, {0:.2f}".format(*found.dashboard_cores)),
        ("cores of the detector, and where nobody looks", "{1:.2f}, {0:.2f}".format(*found.detector_cores)),
        *rows_of(drained, asked.backlog),
    ]
    return Titled(f"{found.pages} pages that look", ("what", "figure: min / median / max of rounds"), rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
