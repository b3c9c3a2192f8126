"""``python -m bench.turns FOLDER FOLDER``: the latencies of two trees of the project in turns, on one warm broker.

A machine that changes its speed makes runs of an hour ago worthless for comparing: here a round of each follows the
other. Each tree runs its own services; the load and who measures are this tree's.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.broker import broker
from bench.latency import delays
from bench.plan import positive
from bench.processes import EndedError
from bench.subjects import OURS, PIPELINE
from bench.telling import Telling
from kafka_local import KafkaLocalError
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.results import Delayed

# Java compiles what it runs often: the first rounds would pay for all others.
WARM_ROUNDS: Final = 4
WARM_RATE: Final = 1_500.0


def turns(
    bootstrap: str, folders: list[Path], rounds: int, load: tuple[float, float], tell: Callable[[str], None]
) -> Iterator[str]:
    """Yield a line for each tree in turn, of a detector alone and then of all services; ``load`` is rate and seconds.

    Raises:
        EndedError: a service ended.
        KafkaError: the broker does not answer.

    """
    rate, seconds = load
    for _ in range(WARM_ROUNDS):
        delays(bootstrap, PIPELINE, WARM_RATE, seconds, tell)
    for number in range(1, rounds + 1):
        for subject in (OURS, PIPELINE):
            for folder in folders:
                one = dataclasses.replace(subject, folder=folder)
                yield f"{number}  {subject.name}  {folder}  {_told(delays(bootstrap, one, rate, seconds, tell))}"


def _told(found: Delayed) -> str:
    times = "  ".join(f"{name} {ms:.1f}" for name, ms in found.percentiles.items())
    shares = "  ".join(f"{name} {share:.0f} %" for name, share in found.cpu.items() if name != "load")
    return f"{times} ms  {shares}"


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.turns", description=__doc__)
    parser.add_argument(
        "folders",
        nargs=2,
        type=Path,
        metavar="FOLDER",
        help="a tree of the project, such as a worktree of another commit",
    )
    parser.add_argument("--rounds", type=positive, default=3, help="how often each (%(default)s)")
    parser.add_argument("--rate", type=float, default=1_000.0, help="transactions a second (%(default)g)")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long a load counts (%(default)g)")
    asked = parser.parse_args(arguments)
    folders = [folder.absolute() for folder in asked.folders]
    for folder in folders:
        if not (folder / "detector").is_dir():
            parser.error(f"{folder} is no tree of this project")
    logging.basicConfig(level=logging.ERROR)
    try:
        with Telling() as telling, broker(os.environ, thorough=True) as cluster:
            load = (asked.rate, asked.seconds)
            for line in turns(cluster.bootstrap_servers, folders, asked.rounds, load, telling.tell):
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
    except (EndedError, KafkaError, KafkaLocalError, TimeoutError) as error:
        sys.stderr.write(f"turns: {error or type(error).__name__}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
