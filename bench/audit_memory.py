"""``python -m bench.audit_memory``: how much memory the books of an audit take for so many transactions.

Feeds them input, outcomes and effects as an auditor would and reports the peak of the whole process. Exits with 1 where
that is above the limit.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.contracts import topics
from pipeline.contracts.coordinates import Coordinates
from pipeline.operations.audit.accounting import Books
from pipeline.operations.audit.report import Outcome
from pipeline.operations.audit.scope import BranchScope, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.operations.audit.report import Report

PARTITIONS: Final = 4
MARKER_EVERY: Final = 5_000  # records a transaction, behind which a marker takes an offset
FRAUD_EVERY: Final = 10
DEAD_LETTER_EVERY: Final = 1_000
LIMIT_MIB: Final = 1024
KIB: Final = 1024


class Measured(NamedTuple):
    """What one run took; ``baseline_mib`` is the process before it."""

    records: int
    seconds: float
    baseline_mib: float
    peak_mib: float


def places(records: int) -> Iterator[Coordinates]:
    """Yield the places of so many records, partition by partition as a fetch brings them, with gaps for markers."""
    for partition in range(PARTITIONS):
        count = records // PARTITIONS + (partition < records % PARTITIONS)
        for number in range(count):
            yield Coordinates(partition, number + number // MARKER_EVERY)


def fill(records: int) -> Report:
    """Return the report on so many transactions, each with its outcome and each record of a branch with its effect."""
    per_partition = records + records // MARKER_EVERY + PARTITIONS
    ends = dict.fromkeys(range(PARTITIONS), per_partition)
    zero = dict.fromkeys(range(PARTITIONS), 0)
    branches = [BranchScope(topic, zero, ends, ends) for topic in (topics.LEGIT, topics.FRAUD)]
    books = Books(Scope("input", zero, ends, ends), branches)
    for partition, offset in places(records):
        books.add_input(partition, offset)
    written = {(outcome, partition): 0 for outcome in Outcome for partition in range(PARTITIONS)}
    for number, origin in enumerate(places(records)):
        outcome = Outcome.FRAUD if number % FRAUD_EVERY == 0 else Outcome.LEGIT
        if number % DEAD_LETTER_EVERY == 1:
            outcome = Outcome.DEAD_LETTER
        books.add_outcome(outcome, origin)
        if outcome is not Outcome.DEAD_LETTER:
            count = written[outcome, origin.partition]
            written[outcome, origin.partition] = count + 1
            place = Coordinates(origin.partition, count + count // MARKER_EVERY)
            branch = books.branches[outcome.value]
            branch.add_record(*place, judged=books.scope.concerns(origin), retried=False)
            if count % DEAD_LETTER_EVERY == 0:
                branch.add_letter(place)
    return books.close()


def measure(records: int) -> Measured:
    """Fill the books and return what that took.

    Raises:
        SystemExit: the report is not what was fed, so that the measurement is worth nothing.

    """
    baseline, begun = _peak_mib(), time.perf_counter()
    report = fill(records)
    if not report.clean or report.input != records:
        sys.exit(f"the books are wrong: {report.line()}")
    return Measured(records, time.perf_counter() - begun, baseline, _peak_mib())


def main(arguments: list[str]) -> int:
    """Measure, print the figures, return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.audit_memory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=10_000_000, help="how many transactions (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    asked = parser.parse_args(arguments)
    measured = measure(asked.records)
    if asked.json:
        sys.stdout.write(json.dumps({**measured._asdict(), "limit_mib": LIMIT_MIB}) + "\n")
    else:
        sys.stdout.write(
            f"transactions     {measured.records:>14,}\n"
            f"seconds          {measured.seconds:>14,.1f}\n"
            f"MiB before       {measured.baseline_mib:>14,.1f}\n"
            f"MiB at the peak  {measured.peak_mib:>14,.1f}\n"
            f"MiB allowed      {LIMIT_MIB:>14,}\n"
        )
    return int(measured.peak_mib > LIMIT_MIB)


def _peak_mib() -> float:
    units_a_mib = KIB * KIB if sys.platform == "darwin" else KIB  # bytes on macOS, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / units_a_mib


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
