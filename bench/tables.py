"""The tables of a report, as cells. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.goals import GOALS_HEAD, goal_rows
from bench.percentiles import SHARES
from bench.subjects import OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.results import Latency, Machine, Measured, Throughput

NOT_RUN: Final = "not run"
NONE: Final = "-"
THROUGHPUT_HEAD: Final = (
    "subject", "what it is", "backlog", "rounds", "records/s: min / median / max",
    "CPU µs a record: min / median / max", "peak MiB", "detector is faster by",
)  # fmt: skip
LENGTHS_HEAD: Final = ("backlog", "rounds", "records/s: min / median / max", "CPU µs a record", "peak MiB")
LATENCY_HEAD: Final = (
    "subject", "until", "rate", *(f"{name} ms" for name in SHARES), "CPU of a core", "unseen", "load late by",
)  # fmt: skip


class Titled(NamedTuple):
    """A table with what it is called."""

    title: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]


def tables(measured: Measured) -> list[Titled]:
    """Return the tables of what was measured; none for what was not asked for."""
    found = [
        Titled("Goals", GOALS_HEAD, goal_rows(measured) if measured.throughput or measured.latency else []),
        Titled("Throughput", THROUGHPUT_HEAD, throughput_rows(measured.throughput)),
        Titled("Cost against length", LENGTHS_HEAD, lengths_rows(measured.lengths)),
        Titled("Latency", LATENCY_HEAD, latency_rows(measured.latency)),
    ]
    return [table for table in found if table.rows]


def throughput_rows(results: Sequence[Throughput]) -> list[tuple[str, ...]]:
    """Return a row a subject; the ratio is that of the medians, and above 1 where ours is faster."""
    ours = next((one.rate.middle for one in results if one.subject == OURS.name and one.rounds), None)
    rows: list[tuple[str, ...]] = []
    for one in results:
        if not one.rounds:
            rows.append((one.subject, one.told, f"{one.backlog:,}", "0", *_not_run(one.failure), NONE, NONE, NONE))
            continue
        ratio = f"{ours / one.rate.middle:.2f} x" if ours and one.subject != OURS.name else NONE
        rates, costs = _three(one.rate, 0), _three(one.cpu_us, 2)
        cells = (f"{one.backlog:,}", _rounds(one), rates, costs, f"{one.peak_mib:.0f}", ratio)
        rows.append((one.subject, one.told, *cells))
    return rows


def lengths_rows(results: Iterable[Throughput]) -> list[tuple[str, ...]]:
    """Return a row a backlog."""
    return [
        (
            f"{one.backlog:,}",
            _rounds(one),
            _three(one.rate, 0),
            f"{one.cpu_us.middle:.2f}",
            f"{one.peak_mib:.0f}",
        )
        if one.rounds
        else (f"{one.backlog:,}", "0", *_not_run(one.failure), NONE, NONE)
        for one in results
    ]


def latency_rows(results: Iterable[Latency]) -> list[tuple[str, ...]]:
    """Return a row a subject and rate; each percentile is the median over the rounds, the last one the greatest."""
    rows: list[tuple[str, ...]] = []
    for one in results:
        begin = (one.subject, one.until, one.rate_told)
        measured = [each for each in one.rounds if each.percentiles]
        if not measured:
            rows.append((*begin, *_not_run(one.failure), *(NONE,) * len(SHARES), NONE, NONE))
            continue
        middles = [f"{one.middle(name):.1f}" for name in SHARES if name != "max"]
        worst = max(each.percentiles["max"] for each in measured)
        cpu = ", ".join(f"{name} {share:.0f} %" for name, share in one.cpu.items() if name != "load")
        unseen, late = sum(each.unseen for each in one.rounds), max(each.late_ms for each in one.rounds)
        rows.append((*begin, *middles, f"{worst:.1f}", cpu, f"{unseen:,}", f"{late:.0f} ms"))
    return rows


def machine_line(machine: Machine) -> str:
    """Return what it ran on, as a sentence."""
    return (
        f"{machine.cores} cores of {machine.processor}, {machine.memory_gib:g} GiB, {machine.system}, "
        f"{machine.python}, {machine.code}, {machine.client}, one broker of Apache Kafka {machine.kafka} "
        f"on the same machine; load average before: {machine.load_before:g}"
    )


def _rounds(one: Throughput) -> str:
    return f"{len(one.rounds)}, then: {one.failure}" if one.failure else str(len(one.rounds))


def _three(values: tuple[float, float, float], digits: int) -> str:
    return " / ".join(f"{value:,.{digits}f}" for value in values)


def _not_run(failure: str) -> tuple[str]:
    return (f"{NOT_RUN}: {failure}" if failure else NOT_RUN,)
