"""``python -m bench.gate``: 10,000 events at 1,000 a second, from the generator to the processors' commit, none lost.

The generator is the product's own. It does not write down when a transaction was due, so that is taken from its rate:
the n-th by time was due n thousandths of a second after the first, however late it was sent. Events of the same rate
come before those whose time counts, for as long as ``--warm`` says, since a broker that was just started is slow until
Java has compiled it; the audit takes them in. Exits with 1 where in any round anything is lost or doubled by the
audit's word, has not come in time, or 95 of 100 take longer than the limit.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from contextlib import closing
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.arrivals import processor_of, settled_after, stamped
from bench.broker import broker
from bench.commit_log import CommitLog
from bench.deployment import Deployment
from bench.document import marks, put_table
from bench.joining import wait_for_members
from bench.machine import this_machine
from bench.percentiles import percentiles_ms
from bench.plan import not_negative, positive
from bench.processes import EndedError, Processes
from bench.progress import Asked, settled
from bench.subjects import PIPELINE
from bench.tables import Titled
from bench.telling import Telling
from kafka_local import KafkaLocalError
from pipeline.errors import PipelineError
from pipeline.operations.audit.auditor import audit
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.lifecycle import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.operations.audit.report import Report

EVENTS: Final = 10_000
RATE: Final = 1_000
WARM_SECONDS: Final = 30
LIMIT_P95_MS: Final = 500.0
GOALS_MS: Final = {"p95": 60.0, "p99": 150.0}
PATIENCE_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 1.0  # often enough to know the end, and nothing beside what is measured


class Passed(NamedTuple):
    """What came of the events. ``unsettled`` had no commit of a processor; ``report`` is of those before, too."""

    report: Report
    percentiles: dict[str, float]
    unsettled: int


def play(bootstrap: str, plan: Plan, tell: Callable[[str], None]) -> Passed:
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
        with closing(CommitLog(deployment, time.time_ns)) as log, closing(Asked(deployment)) as asked:
            load = {"TRANSACTIONS_PER_SECOND": str(plan.rate), "TRANSACTIONS_COUNT": str(plan.total)}
            processes.module("generator", "generator", deployment.environ | load | {"GENERATOR_SEED": "1"})
            done, moved = 0, time.monotonic()
            while not settled(deployment, asked, plan.total) and time.monotonic() - moved < PATIENCE_SECONDS:
                time.sleep(LOOK_SECONDS)
                before, done = done, asked.poll()
                if done > before:
                    moved = time.monotonic()
                tell(f"{asked.judged:,} of {plan.total:,} judged, {plan.before:,} of them to warm up")
                processes.check()
            commits = log.read()
    tell("auditing")
    report = audit(deployment.settings.kafka, deployment.settings.topics, Stop().wait, lambda _: None)
    counted = stamped(deployment, plan.total, plan.rate)[plan.before :]
    took = settled_after(counted, commits, processor_of(deployment))
    deployment.remove()
    found = [ns for ns in took if ns is not None]
    return Passed(report, percentiles_ms(found), plan.events - len(found))


class Plan(NamedTuple):
    """``events`` count, at ``rate`` a second; as many as ``warm`` seconds take come before them."""

    events: int
    rate: int
    warm: int

    @property
    def before(self) -> int:
        """Return how many come first, of which only the audit takes notice."""
        return self.warm * self.rate

    @property
    def told(self) -> str:
        """Return it for people."""
        events = f"{self.events:,} events at {self.rate:,}/s, generator to the processors' commit"
        return f"{events}, after {self.warm} s of the same"

    @property
    def total(self) -> int:
        """Return how many are sent."""
        return self.before + self.events


def main(arguments: list[str]) -> int:
    """Play the gate, print what came of it, return the exit code."""
    asked = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.ERROR)
    plan, machine = Plan(asked.events, asked.rate, asked.warm), this_machine()
    rounds: list[Passed] = []
    try:
        with Telling() as telling, broker(os.environ, thorough=asked.java == "thorough") as cluster:
            rounds.extend(play(cluster.bootstrap_servers, plan, telling.tell) for _ in range(asked.rounds))
    except (EndedError, KafkaError, KafkaLocalError, PipelineError, TimeoutError) as error:
        sys.stderr.write(f"gate: could not be played: {error or type(error).__name__}\n")
        return 1
    good = all(holds(passed, plan) for passed in rounds)
    sys.stdout.write(
        json.dumps(_as_json(plan, rounds, good=good)) + "\n" if asked.json else _told(plan, rounds, good=good)
    )
    if asked.document:
        command = " ".join(["python -m bench.gate", *(one for one in arguments if one != "--document")])
        put_table(*marks("bench.gate", machine.code), command, machine, table(plan, rounds))
    return 0 if good else 1


def table(plan: Plan, rounds: Sequence[Passed]) -> Titled:
    """Return a row for each round, and their medians."""
    rows = [
        (
            str(number),
            f"{one.report.input:,}",
            str(one.report.lost),
            str(one.report.duplicated),
            *_latencies(one.percentiles),
        )
        for number, one in enumerate(rounds, 1)
    ]
    middle = medians(rounds)
    rows.append(("median", "", "", "", *_latencies(middle)))
    rows.append(("goal", "", "0", "0", *(f"{GOALS_MS[name]:g}" if name in GOALS_MS else "" for name in middle)))
    return Titled(plan.told, ("round", "audited", "lost", "doubled", *(f"{name} ms" for name in middle)), rows)


def medians(rounds: Sequence[Passed]) -> dict[str, float]:
    """Return the median of each percentile; none where a round has none."""
    names = rounds[0].percentiles if all(one.percentiles for one in rounds) else {}
    return {name: median(one.percentiles[name] for one in rounds) for name in names}


def _latencies(percentiles: Mapping[str, float]) -> list[str]:
    return [f"{value:.1f}" for value in percentiles.values()]


def _as_json(plan: Plan, rounds: Sequence[Passed], *, good: bool) -> dict[str, Any]:
    return {
        "events": plan.events,
        "rate": plan.rate,
        "warm_seconds": plan.warm,
        "passed": good,
        "rounds": [{"audit": one.report.line(), "unsettled": one.unsettled, "ms": one.percentiles} for one in rounds],
        "ms": medians(rounds),
    }


def _told(plan: Plan, rounds: Sequence[Passed], *, good: bool) -> str:
    middle = medians(rounds)
    missed = [f"{name} < {goal:g} ms" for name, goal in GOALS_MS.items() if not middle.get(name, goal) < goal]
    lines = [plan.told]
    for one in rounds:
        latencies = "  ".join(f"{name} {value:.1f} ms" for name, value in one.percentiles.items())
        lines += [one.report.line(), f"unsettled: {one.unsettled}; {latencies}"]
    if len(rounds) > 1:
        lines.append("medians: " + "  ".join(f"{name} {value:.1f} ms" for name, value in middle.items()))
    lines.append(f"gate (nothing lost, p95 <= {LIMIT_P95_MS:g} ms): {'passed' if good else 'FAILED'}")
    lines.append(f"our goals: {'missed ' + ', '.join(missed) if missed else 'met'}")
    return "\n".join(lines) + "\n"


def holds(passed: Passed, plan: Plan) -> bool:
    """Tell whether every event came through, once, and in time."""
    complete = passed.report.clean and passed.report.input == plan.total and not passed.unsettled
    return complete and passed.percentiles.get("p95", LIMIT_P95_MS + 1) <= LIMIT_P95_MS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    parser.add_argument("--events", type=positive, default=EVENTS, help="how many (%(default)s)")
    parser.add_argument("--rate", type=positive, default=RATE, help="how many a second (%(default)s)")
    parser.add_argument(
        "--warm", type=not_negative, default=WARM_SECONDS, help="seconds of the same before (%(default)s)"
    )
    parser.add_argument("--rounds", type=positive, default=1, help="how often (%(default)s)")
    parser.add_argument(
        "--java", choices=("thorough", "quick"), default="thorough", help="how it compiles the broker (%(default)s)"
    )
    parser.add_argument("--document", action="store_true", help="also write it into docs/performance.md")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
