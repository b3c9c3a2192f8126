"""``python -m bench.steps``: what one transaction of the detector is made of at a given rate: its steps and requests.

The detector runs with a stopwatch around each step of its loop, which costs some microseconds a transaction.
"""

from __future__ import annotations

import argparse
import functools
import json
import logging
import os
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import psutil

from bench.broker import broker
from bench.deployment import Deployment
from bench.document import put_table
from bench.joining import wait_for_members
from bench.latency import LEAD_SECONDS, start_load
from bench.machine import this_machine
from bench.processes import EndedError, Processes
from bench.subjects import DETECTOR, OURS
from bench.tables import Titled
from bench.telling import Telling
from kafka_local import KafkaLocalError
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN, END = "<!-- steps: made by `python -m bench.steps` -->", "<!-- /steps -->"
REPORT: Final = "steps.json"
ENDED_WITHIN_SECONDS: Final = 60.0
FEW: Final = 0.05  # requests a transaction: heartbeats, metadata and what happens once


class Found(NamedTuple):
    """Of a transaction: milliseconds by step, how many requests of each kind, milliseconds of processor time."""

    transactions: int
    steps: dict[str, float]
    requests: dict[str, float]
    cpu_ms: float


class Stopwatch:
    """Adds up what calls take, and counts requests."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self._began: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}

    def around(self, owner: Any, method: str, step: str, *, counts: Callable[[Any], bool] = lambda _: True) -> None:  # noqa: ANN401
        """Time a method of a class; ``counts`` tells by what it returned whether a call is to be taken in.

        ``cpu_seconds`` is the processor time of all threads from the first call to the end of the last.
        """
        original = getattr(owner, method)

        @functools.wraps(original)
        def timed(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 (whatever it is)
            self._began.setdefault(step, time.process_time())
            begun = time.perf_counter()
            outcome = original(*arguments, **named)
            if counts(outcome):
                self.seconds[step] += time.perf_counter() - begun
                self.calls[step] += 1
            self.cpu_seconds[step] = time.process_time() - self._began[step]
            return outcome

        setattr(owner, method, timed)

    def on_requests(self, connection: Any, method: str) -> None:  # noqa: ANN401 (a client without types)
        """Count what a class of connections sends by this method, whose first argument is a request."""
        original = getattr(connection, method)

        @functools.wraps(original)
        def counted(itself: Any, request: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 (no types)
            self.requests[type(request).__name__.removesuffix("Request")] += 1
            return original(itself, request, *arguments, **named)

        setattr(connection, method, counted)


def child(report: Path) -> int:
    """Be a detector with a stopwatch until SIGTERM, write down what it showed, and return the detector's exit code."""
    from kafka.net.connection import KafkaConnection  # noqa: PLC0415 (only the child needs them)

    from detector.__main__ import SERVICE  # noqa: PLC0415
    from pipeline.runtime.lifecycle import run  # noqa: PLC0415
    from pipeline.runtime.transactional import Intake, TransactionalLoop  # noqa: PLC0415
    from pipeline.runtime.wire.line import Line  # noqa: PLC0415
    from pipeline.runtime.wire.writer import TransactionWriter  # noqa: PLC0415

    watch = Stopwatch()
    watch.around(Intake, "poll", "reading", counts=lambda batch: batch is not None)
    watch.around(TransactionalLoop, "_transact", "transaction")
    watch.around(TransactionWriter, "flush", "flush: records written")
    watch.around(TransactionWriter, "_take_offsets", "offsets written: what is left to wait", counts=bool)
    watch.around(TransactionWriter, "commit_transaction", "commit")
    watch.on_requests(KafkaConnection, "_send_request")
    watch.on_requests(Line, "send")
    code = run(SERVICE, os.environ, [])
    report.write_text(
        json.dumps(
            {"seconds": watch.seconds, "requests": watch.requests, "calls": watch.calls,
             "cpu": watch.cpu_seconds}
        )
    )  # fmt: skip
    return code


def measured(bootstrap: str, rate: float, seconds: float, tell: Callable[[str], None]) -> Found:
    """Return what the transactions of a detector are made of under such a load.

    Raises:
        EndedError: a process ended.
        KafkaError: the broker does not answer.

    """
    deployment = Deployment(bootstrap)
    deployment.provision()
    try:
        with Processes() as processes:
            report = processes.scratch / REPORT
            detector = processes.module(DETECTOR, "bench.steps", deployment.environ, "--child", str(report))
            wait_for_members(deployment, OURS, processes)
            start_load(deployment, processes, rate, round(rate * seconds))
            load = processes.running["load"]
            begun = time.monotonic()
            while load.process.poll() is None:
                processes.check()
                tell(f"{time.monotonic() - begun:.0f} of {LEAD_SECONDS + seconds:.0f} s")
                time.sleep(0.2)
            detector.process.terminate()
            detector.watched.wait(ENDED_WITHIN_SECONDS)
            processes.check()
            return _found(json.loads(report.read_text("utf-8")))
    finally:
        deployment.remove()


def _found(told: dict[str, Any]) -> Found:
    number = told["calls"].get("transaction", 0)
    if not number:
        raise EndedError("there was not one transaction: did the load reach the detector?")
    ms = {name: seconds * 1000 / told["calls"][name] for name, seconds in told["seconds"].items()}
    trips = {name: each for name, each in ms.items() if name not in {"reading", "transaction"}}
    steps = {
        "reading: a request, answered when records are there": ms["reading"],
        "judging, packing, handing over": ms["transaction"] - sum(trips.values()),
        **trips,
        "all of it": ms["reading"] + ms["transaction"],
    }
    requests = {name: count / number for name, count in told["requests"].items() if count / number >= FEW}
    return Found(number, steps, requests, told["cpu"]["transaction"] * 1000 / number)


def table(found: Found, rate: float) -> Titled:
    """Return it as a table."""
    rows: list[tuple[str, ...]] = [(name, f"{ms:.1f}") for name, ms in found.steps.items()]
    asked = ", ".join(f"{name} {count:.1f}" for name, count in sorted(found.requests.items()))
    rows += [("processor time, all threads", f"{found.cpu_ms:.1f}"), (f"requests: {asked}", "")]
    return Titled(f"A transaction at {rate:,.0f}/s", ("step", "ms, mean"), rows)


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.steps", description=__doc__)
    parser.add_argument("--rate", type=float, default=1_000.0, help="transactions a second (%(default)g)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long (%(default)g)")
    parser.add_argument("--document", action="store_true", help="also write it into docs/performance.md")
    parser.add_argument("--child", metavar="FILE", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.child:
        return child(Path(asked.child))
    logging.basicConfig(level=logging.ERROR)
    machine = this_machine()
    try:
        with Telling() as telling, broker(os.environ, thorough=True) as cluster:
            found = measured(cluster.bootstrap_servers, asked.rate, asked.seconds, telling.tell)
    except (EndedError, KafkaError, KafkaLocalError, TimeoutError, psutil.TimeoutExpired) as error:
        sys.stderr.write(f"steps: {error or type(error).__name__}\n")
        return 1
    made = table(found, asked.rate)
    for name, value in (made.head, *made.rows):
        sys.stdout.write(f"{value:>10}  {name}\n")
    if asked.document:
        command = f"python -m bench.steps --rate {asked.rate:g} --seconds {asked.seconds:g}"
        put_table(BEGIN, END, command, machine, made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
