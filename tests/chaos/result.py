"""What came of a scenario: the auditor's word and what the fault cost, as a table for people and as JSON."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.operations.audit.report import Report
    from tests.chaos.scenarios import Scenario
    from tests.chaos.stage import Stage


class Load(msgspec.Struct, frozen=True):
    """What a service took while the cluster was away: per cent of one core, and MiB at the end."""

    cpu_percent: float
    rss_mib: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario, played. ``stood_still`` is by fault, in seconds: how long the worst partition had no output.

    ``ended`` counts services that ended by themselves, by name and exit code. ``failure`` says what went wrong, or why
    it could not be played; empty where all is well.
    """

    scenario: str
    fault: str
    ground: str
    seed: int
    seconds: float
    faults: int = 0
    kills: int = 0
    judged: int = 0
    outcomes: dict[str, int] = {}
    lost: int = 0
    duplicated: int = 0
    audit: str = ""
    examples: dict[str, list[str]] = {}
    clean: bool = False
    stood_still: list[float] = []
    ended: dict[str, int] = {}
    while_away: dict[str, Load] = {}
    failure: str = ""
    not_here: bool = False

    @property
    def passed(self) -> bool:
        """Tell whether nothing was lost, doubled or unexpected."""
        return self.clean and not self.failure


def result_of(scenario: Scenario, seed: int, seconds: float, **found: Any) -> Result:
    """Return what came of a scenario: ``found`` are the fields beside those that say what was played."""
    return Result(
        scenario=scenario.name,
        fault=scenario.told,
        ground=scenario.ground,
        seed=seed,
        seconds=round(seconds, 1),
        **found,
    )


def played(scenario: Scenario, stage: Stage, report: Report, seed: int, seconds: float) -> Result:
    """Return what came of a scenario that was played to its end."""
    unexpected = [] if not stage.ended else [f"ended by themselves: {dict(stage.ended)}"]
    unexpected += [f"left open: {stage.left_open}"] if stage.left_open else []
    return result_of(
        scenario,
        seed,
        seconds,
        faults=stage.faults,
        kills=stage.kills,
        judged=report.input,
        outcomes=report.outcomes,
        lost=report.lost,
        duplicated=report.duplicated,
        audit=report.line(),
        examples={kind: places for kind, places in report.examples.items() if places},
        clean=report.clean,
        stood_still=[round(cost, 2) for cost in stage.costs],
        ended=dict(stage.ended),
        while_away={
            service: Load(round(usage.cpu_percent, 1), round(usage.rss_mib, 1))
            for service, usage in stage.usage.items()
        },
        failure="; ".join(unexpected),
    )


HEAD = ("scenario", "on", "faults", "kills", "transactions", "lost", "doubled", "stood still, median / worst")


def rows(results: Iterable[Result]) -> list[tuple[str, ...]]:
    """Return the cells of a table, a row a scenario and the sum at the end."""
    found = list(results)
    table = [
        (
            result.scenario,
            result.ground,
            *([f"{count:,}" for count in (result.faults, result.kills, result.judged)]),
            f"{result.lost:,}" if not result.not_here else "not run",
            f"{result.duplicated:,}" if not result.not_here else "not run",
            _still(result),
        )
        for result in found
    ]
    sums = [
        sum(counts)
        for counts in zip(*((r.faults, r.kills, r.judged, r.lost, r.duplicated) for r in found), strict=True)
    ]
    return [*table, ("all", "", *(f"{count:,}" for count in sums), "")]


def _still(result: Result) -> str:
    if not result.stood_still:
        return "-"
    return f"{median(result.stood_still):.1f} s / {max(result.stood_still):.1f} s"


LOADS = ("scenario", "service", "processor time while away", "memory at the end")


def loads(results: Iterable[Result]) -> list[tuple[str, ...]]:
    """Return the cells of a table of what services took while the cluster was away."""
    return [
        (result.scenario, service, f"{load.cpu_percent:.1f} % of a core", f"{load.rss_mib:.0f} MiB")
        for result in results
        for service, load in sorted(result.while_away.items())
    ]


def markdown(results: Sequence[Result]) -> str:
    """Return the tables as they stand in a document."""
    return f"{_table(HEAD, rows(results))}\n\n{_table(LOADS, loads(results))}"


def _table(head: tuple[str, ...], cells: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
