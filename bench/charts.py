"""Charts as Mermaid text, which GitHub draws. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.percentiles import SHARES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results import Measured

THOUSAND: Final = 1_000
MILLION: Final = 1_000_000


def charts(measured: Measured) -> list[str]:
    """Return the charts of what was measured; none for what was not asked for."""
    found = []
    rates = [(one.subject, one.rate.middle / THOUSAND) for one in measured.throughput if one.rounds]
    if rates:
        found.append(bars("Throughput over a backlog, medians", rates, "thousand records a second"))
    costs = [(one.subject, one.cpu_us.middle) for one in measured.throughput if one.rounds]
    if costs:
        found.append(bars("Processor time of a record, medians", costs, "microseconds"))
    lengths = [
        (f"{one.backlog / MILLION:g} million", one.rate.middle / THOUSAND) for one in measured.lengths if one.rounds
    ]
    if len(lengths) > 1:
        found.append(bars("Throughput against the length of the backlog", lengths, "thousand records a second"))
    same = [one for one in measured.latency if one.rate == THOUSAND and any(each.percentiles for each in one.rounds)]
    for name in ("p50", "p99"):
        if same and name in SHARES:
            points = [(f"{one.subject}, {one.until}", one.middle(name)) for one in same]
            found.append(bars(f"Latency at 1,000 a second, {name}", points, "milliseconds"))
    return found


def bars(title: str, points: Sequence[tuple[str, float]], axis: str) -> str:
    """Return a chart with a bar a point, fenced as Markdown; it has a line of its own for every name."""
    names = ", ".join(f'"{name}"' for name, _ in points)
    values = ", ".join(f"{value:.4g}" if value < THOUSAND else f"{value:.0f}" for _, value in points)
    return (
        f'```mermaid\nxychart-beta horizontal\n  title "{title}"\n  x-axis [{names}]\n  y-axis "{axis}" 0 --> '
        f"{max(1.0, max(value for _, value in points) * 1.1):.0f}\n  bar [{values}]\n```"
    )
