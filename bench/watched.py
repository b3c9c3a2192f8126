"""How fast a detector works off a backlog while a dashboard follows it, and while so many pages look at that.

Three ways, one after the other in every round: no dashboard, a dashboard at which nobody looks, one at which pages do.
All of them share the machine: what the dashboard and the pages take, the detector cannot have where cores are few. What
does not depend on that is the processor time of the detector itself.
"""

from __future__ import annotations

import socket
import statistics
import time
from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from bench.backlog import fill
from bench.commits import CommitWatch
from bench.deployment import Deployment
from bench.looking import HOST
from bench.processes import EndedError, Processes
from bench.progress import Committed
from bench.subjects import OURS
from bench.throughput import Complete, between, follow, last_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.results import Drained

ALONE: Final = "no dashboard"
FOLLOWED: Final = "a dashboard, nobody looks"
WARM_RECORDS: Final = 20_000
NOISE: Final = 0.1
LISTENS_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 0.2


def watched(
    bootstrap: str, records: int, rounds: int, pages: int, tell: Callable[[str], None]
) -> dict[str, list[Drained]]:
    """Return rounds over a backlog of so many records, by the way in which it was looked at.

    Raises:
        EndedError: a process ended, or stood still.
        KafkaError: the broker does not answer.

    """
    ways = {ALONE: None, FOLLOWED: 0, f"a dashboard, {pages} pages look": pages}
    tell("warming up")
    _drained(bootstrap, fill(bootstrap, WARM_RECORDS, tell), WARM_RECORDS, None, tell)
    topic = fill(bootstrap, records, tell)
    found: dict[str, list[Drained]] = {name: [] for name in ways}
    for number in range(1, rounds + 1):
        for name, looking in ways.items():
            tell(f"round {number} of {rounds}: {name}")
            found[name].append(_drained(bootstrap, topic, records, looking, tell))
    return found


def rows_of(found: dict[str, list[Drained]], records: int) -> list[tuple[str, ...]]:
    """Return what came of it for a document: least, middle and greatest, and ratios of medians."""
    rows: list[tuple[str, ...]] = []
    for name, rounds in found.items():
        rates, costs = [one.per_second for one in rounds], [one.cpu_us for one in rounds]
        rows += [
            (f"detector over a backlog of {records:,}, {name}: records/s", _spread(rates, ",.0f")),
            (f"detector over a backlog of {records:,}, {name}: CPU µs a record", _spread(costs, ".1f")),
        ]
    rows += [
        (f"{name}, against {before}: records/s, CPU a record", f"x {rate:.2f}, x {cpu:.2f}")
        for before, name, rate, cpu in ratios(found)
    ]
    return rows


def ratios(found: dict[str, list[Drained]]) -> list[tuple[str, str, float, float]]:
    """Return of each way and the one before it the ratios of their medians: of rates, and of processor time."""
    middle = {
        name: (statistics.median(one.per_second for one in rounds), statistics.median(one.cpu_us for one in rounds))
        for name, rounds in found.items()
    }
    names = list(found)
    return [
        (before, name, middle[name][0] / middle[before][0], middle[name][1] / middle[before][1])
        for before, name in pairwise(names)
    ]


def within_noise(found: dict[str, list[Drained]]) -> bool:
    """Tell whether pages cost the detector no processor time that rounds without them did not take as well.

    The cheapest round with pages is held against the dearest at which nobody looked, give or take a tenth.
    """
    followed, looked_at = ([one.cpu_us for one in found[name]] for name in list(found)[-2:])
    return min(looked_at) <= max(followed) * (1 + NOISE)


def _spread(values: list[float], shape: str) -> str:
    return " / ".join(f"{value:{shape}}" for value in (min(values), statistics.median(values), max(values)))


def _drained(bootstrap: str, topic: str, records: int, looking: int | None, tell: Callable[[str], None]) -> Drained:
    deployment = Deployment(bootstrap, topic)
    deployment.provision()
    try:
        with ExitStack() as stack:
            beside, judging = (stack.enter_context(Processes()) for _ in range(2))
            if looking is not None:
                _look(deployment, beside, looking)
            progress = Committed(deployment, stack.enter_context(CommitWatch(deployment)))
            OURS.start(deployment, judging, quick_commits=False)
            points = follow(judging, progress, records, Complete(deployment, 1), tell)
            beside.check()
            peak = max(running.peak_mib() for running in judging.running.values())
    finally:
        deployment.remove()
    return between(points[0], last_of(points), peak)


def _look(deployment: Deployment, processes: Processes, pages: int) -> None:
    """Start a dashboard and so many pages, and return when it listens."""
    port = free_port()
    processes.module("dashboard", "dashboard", deployment.environ | {"DASHBOARD_PORT": str(port)})
    deadline = time.monotonic() + LISTENS_SECONDS
    while True:
        processes.check()
        try:
            socket.create_connection((HOST, port), PAUSE_SECONDS).close()
        except OSError:
            if time.monotonic() > deadline:
                raise EndedError("the dashboard does not listen") from None
            time.sleep(PAUSE_SECONDS)
        else:
            break
    if pages:
        processes.module("pages", "bench.looking", {}, str(port), str(pages))


def free_port() -> int:
    """Return a port that nobody has."""
    with socket.create_server((HOST, 0)) as bound:
        return int(bound.getsockname()[1])
