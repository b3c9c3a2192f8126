"""Partitions in log lines: their numbers alone suffice where all are of one topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.runtime.handler import Place


def named(places: Iterable[Place]) -> dict[Place, int | str]:
    """Return partitions in their order, each with what to call it."""
    ordered = sorted(places)
    if len({topic for topic, _ in ordered}) <= 1:
        return {place: place[1] for place in ordered}
    return {place: f"{place[0]}:{place[1]}" for place in ordered}
