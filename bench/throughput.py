"""How fast a subject works off a backlog, and what that takes."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.commits import CommitWatch
from bench.deployment import Deployment
from bench.processes import EndedError, Processes
from bench.progress import Committed, Settled, Written
from bench.results import Drained
from bench.subjects import DETECTOR, Subject
from pipeline.runtime.clients.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.progress import Progress

STALLED_SECONDS: Final = 60.0
LEAST_SAMPLES: Final = 2
ENOUGH_POINTS: Final = 4
SETTLED_SECONDS: Final = 1.0  # a group counts as complete once it was so for so long
US_PER_SECOND: Final = 1_000_000


class Point(NamedTuple):
    """How far it was, and at what cost, at a moment (seconds of a clock without a meaning of its own)."""

    moment: float
    records: float
    cpu_seconds: float


def drain(bootstrap: str, subject: Subject, topic: str, records: int, tell: Callable[[str], None]) -> Drained:
    """Let a subject work off a backlog, with a group and outputs that are new, and return what it took.

    Raises:
        EndedError: it ended, or did not get on for a minute.
        KafkaError: the broker does not answer.

    """
    deployment = Deployment(bootstrap, topic)
    deployment.provision()
    try:
        with ExitStack() as stack:
            progress = _progress(deployment, subject, records, stack)
            processes = stack.enter_context(Processes())
            subject.start(deployment, processes, quick_commits=False)
            points = follow(processes, progress, records, Complete(deployment, len(subject.judges)), tell)
            peak = max(running.peak_mib() for running in processes.running.values())
    finally:
        deployment.remove()
    return between(points[0], last_of(points), peak)


def last_of(points: Sequence[Point]) -> Point:
    """Return where counting ends: at the last commit but one, where there are enough.

    The last one brings what was left over, and who commits by the clock lets it wait.
    """
    return points[-2] if len(points) >= ENOUGH_POINTS else points[-1]


def between(first: Point, last: Point, peak_mib: float) -> Drained:
    """Return what passed between two points."""
    records, seconds = round(last.records - first.records), last.moment - first.moment
    cpu = last.cpu_seconds - first.cpu_seconds
    return Drained(
        records=records,
        seconds=round(seconds, 4),
        cpu_us=round(cpu / records * US_PER_SECOND, 3),
        peak_mib=round(peak_mib, 1),
    )


def _progress(deployment: Deployment, subject: Subject, records: int, stack: ExitStack) -> Progress:
    if not subject.transactional:
        written = Written(deployment)
        stack.callback(written.close)
        return written
    committed = Committed(deployment, stack.enter_context(CommitWatch(deployment)))
    return Settled(deployment, committed, records) if subject.to_the_end else committed


def follow(
    processes: Processes, progress: Progress, records: int, complete: Complete, tell: Callable[[str], None]
) -> list[Point]:
    """Return a point for every time it got on, from when it had begun to when it was done.

    Raises:
        EndedError: a process ended, nothing got on for a minute, or there was too little to measure.

    """
    points: list[Point] = []
    done, moved = 0.0, time.monotonic()
    while done < records:
        found = progress.poll()
        now = time.monotonic()
        if found > done:
            done, moved = found, now
            if complete.reached(now):
                points.append(Point(now, done, sum(processes.cpu_seconds().values())))
            tell(f"{done:,.0f} of {records:,}")
        elif now - moved > STALLED_SECONDS:
            raise EndedError(f"stood still for {STALLED_SECONDS:g} s at {done:,.0f} of {records:,} records")
        processes.check()
    if len(points) < LEAST_SAMPLES:
        raise EndedError(f"{records:,} records were too few: all were done at the first look")
    return points


class Complete:
    """Tells whether all replicas are at work; one alone is, as soon as it has committed."""

    def __init__(self, deployment: Deployment, replicas: int) -> None:
        self._deployment = deployment
        self._replicas = replicas
        self._looked = 0.0
        self._since: float | None = None

    def reached(self, now: float) -> bool:
        """Tell, at a moment of the monotonic clock."""
        if self._replicas == 1:
            return True
        if self._since is None and now - self._looked > SETTLED_SECONDS / 4:
            self._looked = now
            with Cluster(self._deployment.settings.kafka, f"{self._deployment.tag}-members") as cluster:
                if len(cluster.members(self._deployment.group(DETECTOR))) >= self._replicas:
                    self._since = now
        return self._since is not None and now - self._since > SETTLED_SECONDS
