"""``python -m bench.rules``: what 33 rules cost a transaction on one core, without Kafka.

10 rules are stateless, 15 look at windows by source, 3 are sequences, 5 look at windows by target; those by target are
evaluated in an engine of their own, as by a stage of their own. A transaction is there already: nothing is decoded.
What is compiled has a table of its own in docs/performance.md: ``make compiled``, and once more.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.document import marks, put_table
from bench.machine import this_machine
from bench.population import stream
from bench.tables import Titled
from detector.rules.loading import load_rules
from pipeline.contracts.moments import milliseconds_of
from pipeline.runtime.collector import settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.messages import Transaction

COMMAND: Final = "bench.rules"
FILES: Final = Path(__file__).parent / "rule_files"
GOAL_US: Final = 30
BATCH: Final = 1_000


class Measured(NamedTuple):
    """Microseconds of a transaction; ``hits`` of all rules, and what their memory takes in the end."""

    transactions: int
    accounts: int
    mean_us: float
    p50_us: float
    p99_us: float
    p999_us: float
    hits: int
    state_mib: float
    state_bytes_per_event: float


def stages() -> list[RuleSet]:
    """Return the rules, by the key that their transactions are gathered by."""
    found = []
    for key in ("source", "target"):
        path = FILES / f"by_{key}.yaml"
        found.append(load_rules(path.name, path.read_text(), logs=[{key}]))
    return found


def run(chain: Sequence[RuleSet], made: Sequence[Transaction]) -> tuple[list[int], int, int]:
    """Judge transactions in batches; return what each of them took, all of it as processor time, and the hits."""
    took: list[int] = []
    times = [milliseconds_of(one.timestamp) for one in made]  # a record has it
    hits, begun = 0, time.process_time_ns()
    for start in range(0, len(made), BATCH):
        for one, record_ms in zip(made[start : start + BATCH], times[start : start + BATCH], strict=True):
            before = time.perf_counter_ns()
            for rules in chain:
                judgement = rules.judge(one, 0, record_ms)
                if judgement.verdict is not None:
                    hits += len(judgement.verdict.hits)
                hits += len(judgement.noted)
            took.append(time.perf_counter_ns() - before)
        for rules in chain:
            rules.committed()
    return took, time.process_time_ns() - begun, hits


def state_bytes(made: Sequence[Transaction]) -> int:
    """Return what the rules remember of transactions, in bytes, after all of them were only observed."""
    gc.collect()
    tracemalloc.start()
    chain = stages()
    base, _ = tracemalloc.get_traced_memory()
    for number, one in enumerate(made, 1):
        for rules in chain:
            rules.observe(one, 0, milliseconds_of(one.timestamp))
            if number % BATCH == 0:
                rules.committed()
    for rules in chain:
        rules.committed()
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held - base


def measure(count: int, accounts: int) -> Measured:
    """Make a stream, judge it, and return what that took."""
    made = list(stream(count, accounts))
    # As a service does. There a transaction is gone when it is judged; here the collector would walk all of them again.
    settle()
    took, total_ns, hits = run(stages(), made)
    took.sort()
    held = state_bytes(made)

    def share(part: float) -> float:
        return took[min(len(took) - 1, int(part * len(took)))] / 1000

    return Measured(
        count, accounts, total_ns / count / 1000, share(0.5), share(0.99), share(0.999), hits,
        held / 2**20, held / count,
    )  # fmt: skip


def table(measured: Measured) -> Titled:
    """Return the figures for people."""
    rows = [
        ("transactions, of accounts", f"{measured.transactions:,}, {measured.accounts:,}"),
        (f"mean µs of a transaction (goal: {GOAL_US}), processor time", f"{measured.mean_us:.1f}"),
        ("median µs", f"{measured.p50_us:.1f}"),
        ("p99 µs", f"{measured.p99_us:.1f}"),
        ("p99.9 µs", f"{measured.p999_us:.1f}"),
        ("hits", f"{measured.hits:,}"),
        ("what is remembered, MiB", f"{measured.state_mib:.1f}"),
        ("of a transaction, bytes", f"{measured.state_bytes_per_event:.0f}"),
    ]
    return Titled("33 rules, without Kafka", ("what", "figure"), [(name, value) for name, value in rows])


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit code: 1 where the goal is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.rules", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--transactions", type=int, default=200_000, help="how many (%(default)s)")
    parser.add_argument("--accounts", type=int, default=12_000, help="of how many accounts (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--document", action="store_true", help="also write them into docs/performance.md")
    asked = parser.parse_args(arguments)
    machine = this_machine()
    measured = measure(asked.transactions, asked.accounts)
    made = table(measured)
    if asked.json:
        sys.stdout.write(json.dumps({**measured._asdict(), "goal_us": GOAL_US}) + "\n")
    else:
        sys.stdout.write(f"{machine.code:>18}\n")
        for name, value in made.rows:
            sys.stdout.write(f"{value:>18}  {name}\n")
    if asked.document:
        put_table(*marks(COMMAND, machine.code), f"python -m {COMMAND}", machine, made)
    return int(measured.mean_us > GOAL_US)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
