"""``python -m bench.gate``: 10,000 events at 1,000 a second, from the generator to the processors' commit, none lost.

The generator is the product's own. It does not write down when a transaction was due, so that is taken from its rate:
the n-th by time was due n thousandths of a second after the first, however late it was sent. Exits with 1 where
anything is lost or doubled by the audit's word, has not come in time, or 95 of 100 take longer than the limit.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.arrivals import processor_of, settled_after, stamped
from bench.commits import CommitWatch
from bench.deployment import Deployment
from bench.joining import wait_for_members
from bench.percentiles import percentiles_ms
from bench.processes import EndedError, Processes
from bench.progress import Committed, settled
from bench.subjects import PIPELINE
from bench.telling import Telling
from kafka_local import Cluster, KafkaLocalError
from pipeline.errors import PipelineError
from pipeline.operations.audit.auditor import audit
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.lifecycle import Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.operations.audit.report import Report

EVENTS: Final = 10_000
RATE: Final = 1_000
LIMIT_P95_MS: Final = 500.0
GOALS_MS: Final = {"p95": 60.0, "p99": 150.0}
PATIENCE_SECONDS: Final = 30.0


class Passed(NamedTuple):
    """What came of the events. ``unsettled`` had no commit of a processor."""

    report: Report
    percentiles: dict[str, float]
    unsettled: int


def play(bootstrap: str, events: int, rate: int, tell: Callable[[str], None]) -> Passed:
    """Send the events through all services and return what came of them.

    Raises:
        EndedError: a service ended.
        KafkaError: the broker does not answer.
        PipelineError: the audit could not be made.

    """
    deployment = Deployment(bootstrap)
    deployment.provision()
    with Processes() as processes:
        PIPELINE.start(deployment, processes, quick_commits=True)
        wait_for_members(deployment, PIPELINE, processes)
        # The generator knows the time of day alone.
        with CommitWatch(deployment, time.time_ns) as watch:
            committed = Committed(deployment, watch)
            load = {"TRANSACTIONS_PER_SECOND": str(rate), "TRANSACTIONS_COUNT": str(events), "GENERATOR_SEED": "1"}
            processes.module("generator", "generator", deployment.environ | load)
            moved = time.monotonic()
            while not settled(deployment, committed, events) and time.monotonic() - moved < PATIENCE_SECONDS:
                before = len(committed.all)
                committed.poll()
                if len(committed.all) > before:
                    moved = time.monotonic()
                tell(f"{committed.judged:,} of {events:,} judged")
                processes.check()
    tell("auditing")
    report = audit(deployment.settings.kafka, deployment.settings.topics, Stop().wait, lambda _: None)
    took = settled_after(stamped(deployment, events, rate), committed.all, processor_of(deployment))
    found = [ns for ns in took if ns is not None]
    return Passed(report, percentiles_ms(found), events - len(found))


def main(arguments: list[str]) -> int:
    """Play the gate, print what came of it, return the exit code."""
    asked = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.ERROR)
    try:
        with Telling() as telling, Cluster() as cluster:
            passed = play(cluster.bootstrap_servers, asked.events, asked.rate, telling.tell)
    except (EndedError, KafkaError, KafkaLocalError, PipelineError, TimeoutError) as error:
        sys.stderr.write(f"gate: could not be played: {error or type(error).__name__}\n")
        return 1
    good = holds(passed, asked.events)
    told = {
        "events": asked.events,
        "rate": asked.rate,
        "passed": good,
        "audit": passed.report.line(),
        "unsettled": passed.unsettled,
        "ms": passed.percentiles,
    }
    if asked.json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        latencies = "  ".join(f"{name} {value:.1f} ms" for name, value in passed.percentiles.items())
        missed = [
            f"{name} < {goal:g} ms" for name, goal in GOALS_MS.items() if not passed.percentiles.get(name, goal) < goal
        ]
        sys.stdout.write(
            f"{asked.events:,} events at {asked.rate:,}/s, generator to the processors' commit\n"
            f"{passed.report.line()}\nunsettled: {passed.unsettled}\n{latencies}\n"
            f"gate (nothing lost, p95 <= {LIMIT_P95_MS:g} ms): {'passed' if good else 'FAILED'}\n"
            f"our goals: {'missed ' + ', '.join(missed) if missed else 'met'}\n"
        )
    return 0 if good else 1


def holds(passed: Passed, events: int) -> bool:
    """Tell whether every event came through, once, and in time."""
    complete = passed.report.clean and passed.report.input == events and not passed.unsettled
    return complete and passed.percentiles.get("p95", LIMIT_P95_MS + 1) <= LIMIT_P95_MS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="how many (%(default)s)")
    parser.add_argument("--rate", type=int, default=RATE, help="how many a second (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
