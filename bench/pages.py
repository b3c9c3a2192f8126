"""``python -m bench.pages``: how the dashboard takes many pages that look at a thousand transactions a second.

A Kafka of its own, all services and the dashboard: first nobody looks, then so many pages, each reading its stream of
events as a browser does. The age of an event is the time from its record's own to its arrival at a page, so the
pipeline's latency is part of it. Exits with 1 where 95 of 100 are older than a second, or the dashboard takes more than
half a core.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import socket
import sys
import time
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.deployment import Deployment
from bench.document import cells, put
from bench.joining import wait_for_members
from bench.machine import this_machine
from bench.percentiles import percentiles_ms
from bench.processes import EndedError, Processes
from bench.subjects import DETECTOR, PIPELINE
from bench.tables import Titled, machine_line
from bench.telling import Telling
from kafka_local import Cluster, KafkaLocalError
from pipeline.errors import PipelineError
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.processes import Running

BEGIN, END = "<!-- pages: made by `python -m bench.pages` -->", "<!-- /pages -->"
LIMIT_P95_MS: Final = 1_000.0
LIMIT_CORES: Final = 0.5
HOST: Final = "127.0.0.1"
READY_SECONDS: Final = 15.0


class Looked(NamedTuple):
    """What came of it: shares of a core without and with pages, ages in milliseconds, rows that pages were shown."""

    dashboard_cores: tuple[float, float]
    detector_cores: tuple[float, float]
    ages_ms: dict[str, float]
    rows: int
    told: int
    pages: int


class Pages:
    """Pages that look: each a connection that reads events."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.ages_ns: list[int] = []
        self.rows = self.told = self.open = 0

    async def look(self, count: int, seconds: float) -> None:
        """Let so many look for so long."""
        pages = [asyncio.create_task(self._page()) for _ in range(count)]
        await asyncio.sleep(seconds)
        for page in pages:
            page.cancel()
        for outcome in await asyncio.gather(*pages, return_exceptions=True):
            if not isinstance(outcome, asyncio.CancelledError):
                raise EndedError(f"a page ended: {outcome!r}")

    async def _page(self) -> None:
        reader, writer = await asyncio.open_connection(HOST, self._port, limit=1 << 22)
        writer.write(b"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
        name, first = b"", True
        self.open += 1
        try:
            while line := await reader.readline():
                if line.startswith(b"event: "):
                    name = line[7:].strip()
                elif line.startswith(b"data: ") and name == b"rows":
                    self._take(json.loads(line[6:]), first=first)
                    first = False
        finally:
            self.open -= 1
            writer.close()

    def _take(self, told: dict[str, Any], *, first: bool) -> None:
        if first:  # what was there before is as old as it is
            return
        now_ns = time.time_ns()
        self.ages_ns += [now_ns - row["at_ms"] * 1_000_000 for row in told["rows"]]
        self.rows += len(told["rows"])
        self.told += len(told["rows"]) + sum(told["more"].values())


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
        port = _free_port()
        shown = processes.module("dashboard", "dashboard", deployment.environ | {"DASHBOARD_PORT": str(port)})
        load = {"TRANSACTIONS_PER_SECOND": str(rate), "GENERATOR_SEED": "1"}
        processes.module("generator", "generator", deployment.environ | load)
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


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as bound:
        return int(bound.getsockname()[1])


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--rate", type=int, default=1_000, help="transactions a second (%(default)s)")
    parser.add_argument("--pages", type=int, default=200, help="how many look (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long, without and with pages (%(default)s)")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--document", action="store_true", help="also write it into docs/performance.md")
    asked = parser.parse_args(arguments)
    logging.basicConfig(level=logging.ERROR)
    machine = this_machine()
    try:
        with Telling() as telling, Cluster() as cluster:
            found = measure(cluster.bootstrap_servers, asked.rate, asked.pages, asked.seconds, telling.tell)
    except (EndedError, KafkaError, KafkaLocalError, PipelineError, TimeoutError, OSError) as error:
        sys.stderr.write(f"pages: could not be played: {error or type(error).__name__}\n")
        return 1
    good = found.ages_ms.get("p95", LIMIT_P95_MS) < LIMIT_P95_MS and found.dashboard_cores[1] < LIMIT_CORES
    if asked.json:
        sys.stdout.write(json.dumps({**found._asdict(), "rate": asked.rate, "passed": good}) + "\n")
    else:
        ages = "  ".join(f"{name} {value:.0f} ms" for name, value in found.ages_ms.items())
        sys.stdout.write(
            f"{found.pages} pages, {asked.rate:,} transactions a second, {asked.seconds:g} s\n"
            f"age of an event at a page: {ages}\n"
            f"rows shown to a page: {found.rows / max(1, found.pages):,.0f}, told of: "
            f"{found.told / max(1, found.pages):,.0f}\n"
            f"dashboard: {found.dashboard_cores[1]:.2f} cores, {found.dashboard_cores[0]:.2f} where nobody looks\n"
            f"detector: {found.detector_cores[1]:.2f} cores and {found.detector_cores[0]:.2f}\n"
            f"{'passed' if good else 'FAILED'}: p95 below {LIMIT_P95_MS:g} ms, dashboard below {LIMIT_CORES:g} cores\n"
        )
    if asked.document:
        day = f"{date.today().isoformat()}, `python -m bench.pages`"  # noqa: DTZ011 (a person's day)
        put(BEGIN, END, f"{day}, on {machine_line(machine)}.\n\n{cells(table(found, asked.rate, asked.seconds))}")
    return 0 if good else 1


def table(found: Looked, rate: int, seconds: float) -> Titled:
    """Return what came of it for a document."""
    rows: list[tuple[str, ...]] = [
        ("transactions a second, for so many seconds", f"{rate:,}, {seconds:g}"),
        *((f"age of an event at a page, {name}, ms", f"{value:.0f}") for name, value in found.ages_ms.items()),
        ("rows that a page was shown, and told of", f"{found.rows // found.pages:,}, {found.told // found.pages:,}"),
        ("cores of the dashboard, and where nobody looks", "{1:.2f}, {0:.2f}".format(*found.dashboard_cores)),
        ("cores of the detector, and where nobody looks", "{1:.2f}, {0:.2f}".format(*found.detector_cores)),
    ]
    return Titled(f"{found.pages} pages that look", ("what", "figure"), rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
