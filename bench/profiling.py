"""``make profile``: where the detector's time goes while it works off a backlog, by the time spent in each function.

The main thread alone, which does all the work but sending. A profiler makes functions that are called often look dearer
than they are: use it to find out what to look at, and the benchmark to see what was gained.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import logging
import os
import pstats
import sys
import time
from typing import TYPE_CHECKING, Final

from bench.backlog import fill
from bench.commits import CommitWatch
from bench.deployment import Deployment
from bench.processes import ROOT, EndedError, Processes
from bench.progress import Committed
from bench.telling import Telling
from kafka_local import Cluster, KafkaLocalError
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECORDS: Final = 1_000_000
ROWS: Final = 30
STALLED_SECONDS: Final = 60.0
STATISTICS: Final = "detector.prof"


def child(statistics: Path | str) -> int:
    """Be a detector under the profiler until SIGTERM, write down what it found, and return the detector's exit code."""
    from detector.__main__ import SERVICE  # noqa: PLC0415 (only the child needs it)
    from pipeline.runtime.lifecycle import run  # noqa: PLC0415 (as above)

    profile = cProfile.Profile()
    code = profile.runcall(run, SERVICE, os.environ, [])
    profile.dump_stats(str(statistics))
    return code


def profiled(bootstrap: str, records: int, environ: dict[str, str], tell: Callable[[str], None]) -> pstats.Stats:
    """Return the statistics of a detector over so many records.

    Raises:
        EndedError: it ended, or stood still.
        KafkaError: the broker does not answer.

    """
    deployment = Deployment(bootstrap, fill(bootstrap, records, tell))
    deployment.provision()
    with CommitWatch(deployment) as watch, Processes() as processes:
        statistics = processes.scratch / STATISTICS
        running = processes.module(
            "detector", "bench.profiling", deployment.environ | environ, "--child", str(statistics)
        )
        committed, moved = Committed(deployment, watch), time.monotonic()
        while committed.judged < records:
            before = committed.judged
            committed.poll()
            if committed.judged > before:
                moved = time.monotonic()
            elif time.monotonic() - moved > STALLED_SECONDS:
                raise EndedError(f"stood still at {committed.judged:,} of {records:,} records")
            tell(f"{committed.judged:,} of {records:,} records")
            processes.check()
        running.process.terminate()
        running.process.wait(STALLED_SECONDS)
        processes.check()
        return pstats.Stats(str(statistics), stream=io.StringIO())


def text_of(statistics: pstats.Stats, rows: int) -> str:
    """Return the functions that took the most time themselves, with paths as they are in the project."""
    stream = io.StringIO()
    statistics.stream = stream  # type: ignore[attr-defined] # it is there, the stubs do not say so
    statistics.sort_stats(pstats.SortKey.TIME).print_stats(rows)
    text = stream.getvalue().replace(f"{ROOT}/", "")
    return text.replace(f"{sys.prefix}/lib/", "").replace(f"{sys.base_prefix}/lib/", "")


def main(arguments: list[str]) -> int:
    """Profile, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.profiling", description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS, help="length of the backlog (%(default)s)")
    parser.add_argument("--rows", type=int, default=ROWS, help="how many functions to show (%(default)s)")
    parser.add_argument("--path", choices=("batches", "records"), default="batches", help="which path (%(default)s)")
    parser.add_argument("--child", metavar="FILE", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.child:
        return child(asked.child)
    logging.basicConfig(level=logging.ERROR)
    try:
        with Telling() as telling, Cluster() as cluster:
            environ = {"PIPELINE_RECORD_PATH": asked.path}
            statistics = profiled(cluster.bootstrap_servers, asked.records, environ, telling.tell)
    except (EndedError, KafkaError, KafkaLocalError, TimeoutError) as error:
        sys.stderr.write(f"profile: {error or type(error).__name__}\n")
        return 1
    sys.stdout.write(text_of(statistics, asked.rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
