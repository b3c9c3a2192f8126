"""What is asked for: the command line, and the plan that it makes."""

from __future__ import annotations

import argparse
import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.processes import ROOT

PARTS: Final = ("throughput", "lengths", "latency")
RATES: Final = (100.0, 1_000.0, 10_000.0)
RESULTS: Final = ROOT / "build" / "bench.json"
EPILOG: Final = (
    "The figures of docs/performance.md: --peers --compiled --document --lengths 400000 4000000 20000000 "
    "--length-rounds 2, on a machine that does nothing else. See also: python -m bench.steps, python -m bench.stages, "
    "python -m bench.gate, python -m bench.profiling, python -m bench.audit_memory, each with --help."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """``seconds`` is how long a load counts, ``read`` whether an earlier run is shown instead of a new one."""

    rounds: int
    records: int
    lengths: tuple[int, ...]
    length_rounds: int
    replicas: int
    rates: tuple[float, ...]
    seconds: float
    latency_rounds: int
    parts: tuple[str, ...]
    peers: bool
    compiled: bool
    document: bool
    json: Path
    read: bool
    thorough: bool

    def command(self, arguments: list[str]) -> str:
        """Return the command that measures the same again; where the results went is nobody else's concern."""
        kept = [word for at, word in enumerate(arguments) if "--json" not in arguments[max(0, at - 1) : at + 1]]
        return shlex.join(["python", "-m", "bench", *(word for word in kept if not word.startswith("--json="))])


def positive(text: str) -> int:
    """Accept a whole number above zero, as an option's type."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return value


def not_negative(text: str) -> int:
    """Accept 0 as well."""
    return 0 if text == "0" else positive(text)


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return value


def plan_of(arguments: list[str]) -> Plan:
    """Return the plan; ends the process with exit code 2 on a wrong option."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure throughput and latency on a Kafka of its own.",
        epilog=EPILOG,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="short and few rounds: to see that it works, not for figures")
    add("--rounds", type=positive, help="rounds of throughput, interleaved (5)")
    add("--records", type=positive, help="records of a backlog; slower subjects get a part of it (1,000,000)")
    add("--lengths", type=positive, nargs="+", help="backlogs for the cost against length (400,000 and 2,000,000)")
    add("--length-rounds", type=positive, help="rounds of those, interleaved (3)")
    add("--scale", type=positive, default=2, metavar="N", help="also N detectors of one group; 1: not (%(default)s)")
    add("--rates", type=_above_zero, nargs="+", help="transactions a second for latency (100, 1,000, 10,000)")
    add("--seconds", type=_above_zero, help="how long a load counts (15)")
    add("--latency-rounds", type=positive, help="rounds of latency, interleaved (3)")
    add("--only", choices=PARTS, nargs="+", default=PARTS, help="measure these alone")
    add("--peers", action="store_true", help="also others that do the same job, each installed on first use")
    add("--compiled", action="store_true", help="also the detector compiled, in a copy: takes a C compiler, a minute")
    add("--java", choices=("thorough", "quick"), default="thorough", help="how it compiles the broker (%(default)s)")
    add("--json", type=Path, default=RESULTS, metavar="FILE", help=f"where results go [{RESULTS.relative_to(ROOT)}]")
    add("--read", action="store_true", help="measure nothing, show the results of an earlier run")
    add("--document", action="store_true", help="also write tables and charts into docs/performance.md")
    asked = parser.parse_args(arguments)
    quick = asked.quick
    return Plan(
        rounds=asked.rounds or (1 if quick else 5),
        records=asked.records or (200_000 if quick else 1_000_000),
        lengths=tuple(asked.lengths or ((100_000, 200_000) if quick else (400_000, 2_000_000))),
        length_rounds=asked.length_rounds or (1 if quick else 3),
        replicas=asked.scale,
        rates=tuple(asked.rates or ((1_000.0,) if quick else RATES)),
        seconds=asked.seconds or (3.0 if quick else 15.0),
        latency_rounds=asked.latency_rounds or (1 if quick else 3),
        parts=tuple(asked.only),
        peers=asked.peers,
        compiled=asked.compiled,
        document=asked.document,
        json=asked.json,
        read=asked.read,
        thorough=asked.java == "thorough",
    )
