"""How long a transaction takes at a given rate, from the moment it should have been sent."""

from __future__ import annotations

import itertools
import json
import time
from array import array
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Final

from bench.arrivals import Arrivals, by_id, processor_of, settled_after
from bench.commit_log import CommitLog
from bench.deployment import Deployment
from bench.joining import wait_for_members
from bench.load import due_ns
from bench.percentiles import percentiles_ms
from bench.processes import Processes
from bench.progress import Asked, settled
from bench.results import Delayed
from bench.window import NS_PER_SECOND, Window
from pipeline.contracts import topics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.subjects import Subject

ENDED_WITHIN_SECONDS: Final = 60.0
LEAD_SECONDS: Final = 2.0  # for the load's process to start
WARM_SECONDS: Final = 2.0  # of load before anything counts
PATIENCE_SECONDS: Final = 15.0  # without anything new, once all was sent
PAUSE_SECONDS: Final = 0.1
LOOK_SECONDS: Final = 0.02  # for the window to begin and to end in time
ASK_SECONDS: Final = 1.0


def delays(bootstrap: str, subject: Subject, rate: float, seconds: float, tell: Callable[[str], None]) -> Delayed:
    """Put a subject under a load of ``rate`` a second for so long, and return how long its transactions took.

    Until the output can be read, for what ends in the branches; until the processors' commit, for all services.

    Raises:
        EndedError: a process ended, or never began.
        KafkaError: the broker does not answer.

    """
    deployment = Deployment(bootstrap)
    deployment.provision()
    total = round(rate * (WARM_SECONDS + seconds))
    try:
        with ExitStack() as stack:
            processes = stack.enter_context(Processes())
            subject.start(deployment, processes, quick_commits=True)
            wait_for_members(deployment, subject, processes)
            follow = _follow_commits if subject.to_the_end else _follow_arrivals
            latencies, window = follow(deployment, processes, stack, (rate, total, seconds), tell)
            cpu, late_ms = window.cpu(), _late_ms(_report_of(processes))
    finally:
        deployment.remove()
    counted = total - first_counted(rate)
    return Delayed(
        count=len(latencies),
        unseen=max(0, counted - len(latencies)),
        percentiles=percentiles_ms(latencies),
        cpu=cpu,
        late_ms=late_ms,
    )


def first_counted(rate: float) -> int:
    """Return the number of the first transaction, from 0, that is due once the time to warm up is over."""
    warm_ns, number = int(WARM_SECONDS * NS_PER_SECOND), int(WARM_SECONDS * rate)
    return next(n for n in itertools.count(number) if due_ns(n, rate) >= warm_ns)


def start_load(deployment: Deployment, processes: Processes, rate: float, total: int) -> int:
    """Start a load in a process of its own; return when its first transaction is due, in nanoseconds."""
    begin = time.monotonic_ns() + int(LEAD_SECONDS * NS_PER_SECOND)
    processes.module(
        "load", "bench.load", {}, "--bootstrap", deployment.bootstrap,
        "--topic", deployment.name(topics.TRANSACTIONS), "--rate", str(rate), "--total", str(total),
        "--begin-ns", str(begin), "--report", str(processes.scratch / "load.json"),
    )  # fmt: skip
    return begin


def _begin(deployment: Deployment, processes: Processes, load: tuple[float, int, float]) -> Window:
    rate, total, seconds = load
    begin = start_load(deployment, processes, rate, total)
    return Window(processes, begin + int(WARM_SECONDS * NS_PER_SECOND), seconds)


def _follow_arrivals(
    deployment: Deployment,
    processes: Processes,
    stack: ExitStack,
    load: tuple[float, int, float],
    tell: Callable[[str], None],
) -> tuple[array[int], Window]:
    """Read the branches while they are written."""
    arrivals = stack.enter_context(Arrivals(deployment, by_id))
    window = _begin(deployment, processes, load)
    latencies: array[int] = array("q")
    seen, moved = 0, time.monotonic()
    while seen < load[1]:
        found = arrivals.poll()
        now = time.monotonic_ns()
        latencies.extend(now - one.intended_ns for one in found if one.intended_ns >= window.begin_ns)
        seen += len(found)
        moved = _still_patient(processes, moved, news=bool(found))
        window.look()
        tell(f"{seen:,} of {load[1]:,} arrived")
        if moved < 0:
            break
    _wait_for_window(window)
    return latencies, window


def _follow_commits(
    deployment: Deployment,
    processes: Processes,
    stack: ExitStack,
    load: tuple[float, int, float],
    tell: Callable[[str], None],
) -> tuple[array[int], Window]:
    """Ask now and then how far it is, and find out afterwards when each record's commit was."""
    log = stack.enter_context(closing(CommitLog(deployment)))
    asked = stack.enter_context(closing(Asked(deployment)))
    window = _begin(deployment, processes, load)
    done, asked_at, moved = 0, time.monotonic(), time.monotonic()
    while moved > 0 and not settled(deployment, asked, load[1]):
        while time.monotonic() < asked_at:
            time.sleep(LOOK_SECONDS)
            window.look()
        asked_at = time.monotonic() + ASK_SECONDS
        before, done = done, asked.poll()
        tell(f"{asked.judged:,} of {load[1]:,} judged")
        moved = _still_patient(processes, moved, news=done > before)
    _wait_for_window(window)
    found = stack.enter_context(Arrivals(deployment, by_id)).take(load[1])
    took = settled_after(found, log.read(), processor_of(deployment))
    counted = zip(found, took, strict=True)
    return array("q", [ns for one, ns in counted if ns is not None and one.intended_ns >= window.begin_ns]), window


def _still_patient(processes: Processes, moved: float, *, news: bool) -> float:
    """Return when there was news last; below 0 where all was sent and nothing came for too long."""
    processes.check()
    now = time.monotonic()
    if news or processes.running["load"].process.poll() is None:
        return now
    return moved if now - moved < PATIENCE_SECONDS else -1.0


def _wait_for_window(window: Window) -> None:
    while time.monotonic_ns() < window.end_ns:
        time.sleep(PAUSE_SECONDS)
    window.look()


def _report_of(processes: Processes) -> Path:
    processes.running["load"].process.wait(ENDED_WITHIN_SECONDS)
    processes.check()
    return processes.scratch / "load.json"


def _late_ms(report: Path) -> float:
    return float(json.loads(report.read_text())["late_ms"])
