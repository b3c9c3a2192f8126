"""What a generator tells in figures: what brokers have acknowledged, and what not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.runtime.vitals import Figure, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.runtime.publisher import Publisher


def figures_of(transactions: Publisher) -> Iterator[Figure]:
    """Return the figures of now; for another thread."""
    yield Figure(metrics.GENERATED, transactions.delivered)
    yield Figure(metrics.GENERATED_FAILED, transactions.failed)
    yield Figure(metrics.IN_FLIGHT, transactions.in_flight)
