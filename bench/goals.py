"""What was set as a goal, and whether it was reached. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.subjects import COMPILED, DETECTOR, OURS, PIPELINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.results import Latency, Measured, Throughput

GOALS_HEAD: Final = ("figure", "goal", "found", "reached")
RATIOS: Final = {"confluent": 1.0, "quix": 8.0, "tutorial": 15.0}
CPU_US: Final = 4.5
RATE: Final = 1_000.0
PEAK_MIB: Final = 150.0
FLAT_PERCENT: Final = 10.0


class Goal(NamedTuple):
    """A figure with its bound: at least it where ``least``, else at most. ``found`` is None where not measured."""

    figure: str
    bound: float
    unit: str
    found: float | None
    least: bool = False

    @property
    def row(self) -> tuple[str, ...]:
        """Return the cells of a table."""
        asked = f"{'>=' if self.least else '<='} {self.bound:g} {self.unit}"
        if self.found is None:
            return (self.figure, asked, "not measured", "-")
        reached = self.found >= self.bound if self.least else self.found <= self.bound
        return (self.figure, asked, f"{self.found:.2f} {self.unit}", "yes" if reached else "no")


def goal_rows(measured: Measured) -> list[tuple[str, ...]]:
    """Return a row a goal; those of the detector once more for one that is compiled, where that was measured."""
    compiled = any(one.subject == COMPILED.name for one in measured.throughput)
    subjects = (OURS, COMPILED) if compiled else (OURS,)
    services = _latency(measured.latency, PIPELINE.name)
    goals = [
        *(goal for subject in subjects for goal in _of_a_detector(measured, subject.name)),
        Goal("all services at 1,000/s, p95", 60, "ms", services.middle("p95") if services else None),
        Goal("detector, records/s between lengths differ by", FLAT_PERCENT, "%", _unevenness(measured.lengths)),
    ]
    return [goal.row for goal in goals]


def _of_a_detector(measured: Measured, name: str) -> Iterator[Goal]:
    ours, latency = _throughput(measured.throughput, name), _latency(measured.latency, name)
    for peer, bound in RATIOS.items():
        ratio = _ratio(measured.throughput, name, peer)
        yield Goal(f"{name} against {peer}, records/s", bound, "x", ratio, least=True)
    yield Goal(f"{name}, CPU a record", CPU_US, "µs", ours.cpu_us.middle if ours else None)
    yield Goal(f"{name} at 1,000/s, p50", 10, "ms", latency.middle("p50") if latency else None)
    yield Goal(f"{name} at 1,000/s, p99", 25, "ms", latency.middle("p99") if latency else None)
    yield Goal(f"{name} at 1,000/s, CPU of a core", 25, "%", latency.cpu.get(DETECTOR) if latency else None)
    yield Goal(f"{name}, peak memory", PEAK_MIB, "MiB", ours.peak_mib if ours else None)


def _throughput(results: Sequence[Throughput], name: str) -> Throughput | None:
    return next((one for one in results if one.subject == name and one.rounds), None)


def _latency(results: Sequence[Latency], name: str) -> Latency | None:
    found = (one for one in results if one.subject == name and one.rate == RATE)
    return next((one for one in found if any(each.percentiles for each in one.rounds)), None)


def _ratio(results: Sequence[Throughput], name: str, peer: str) -> float | None:
    ours, theirs = _throughput(results, name), _throughput(results, peer)
    return ours.rate.middle / theirs.rate.middle if ours and theirs else None


def _unevenness(lengths: Sequence[Throughput]) -> float | None:
    """Return by how many per cent of the fastest the medians of the lengths differ; None for fewer than two."""
    rates = [one.rate.middle for one in lengths if one.rounds]
    return (max(rates) - min(rates)) / max(rates) * 100 if len(rates) > 1 else None
