"""The command line of the audit, and what its exit code says. Pure."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.errors import EXIT_FAILURE, EXIT_UNAVAILABLE
from pipeline.operations.audit.scope import Period
from pipeline.operations.audit.timerange import moment

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pipeline.operations.audit.report import Report

DESCRIPTION: Final = """\
Account for every transaction: each record of the input that the detector has committed must have one outcome,
each record of a branch that its processor has committed one effect. It may run while the pipeline does: what
comes meanwhile is judged next time."""
ENDING: Final = """\
A time range is turned into offsets: it begins with the first record of each partition whose time is not before
--since, and ends before the first whose time is not before --until. Where record times are out of order, records
of other times are among them. Outputs are read from where the range begins to their ends: of what was written
since then, what does not say where it comes from counts in any range.

exit codes:
  0    every transaction is accounted for
  1    something is lost, doubled, or otherwise as it must not be: the table names it
  2    wrong usage or bad settings
  69   could not look: Kafka does not answer, a topic is missing or cannot be read to its end, or there are
       outcomes though the detector has committed nothing
  130  interrupted"""


class Asked(NamedTuple):
    """What was asked for."""

    json: bool
    period: Period


def parse(arguments: list[str], now: datetime) -> Asked:
    """Read the command line; ends the process with 2 where it is wrong, with 0 for ``--help``."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.operations.audit",
        description=DESCRIPTION,
        epilog=ENDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    when = "ISO 8601 with an offset or Z, or a duration back from now such as 90m, 2h, 1d"
    parser.add_argument("--since", metavar="TIME", type=_moment(now), help=f"only input from then on: {when}")
    parser.add_argument("--until", metavar="TIME", type=_moment(now), help="only input from before then: the same")
    asked = parser.parse_args(arguments)
    period = Period(asked.since, asked.until)
    if period.since is not None and period.until is not None and period.since >= period.until:
        parser.error(f"--since {period.since.isoformat()} is not before --until {period.until.isoformat()}")
    return Asked(asked.json, period)


def exit_code(report: Report) -> int:
    """Return what the process ends with."""
    if not report.clean:
        return EXIT_FAILURE
    return EXIT_UNAVAILABLE if report.unjudged else 0


def _moment(now: datetime) -> Callable[[str], datetime]:
    def read(text: str) -> datetime:
        try:
            return moment(text, now)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read
