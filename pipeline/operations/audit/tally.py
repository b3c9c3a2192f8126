"""Counts violations, and keeps the first coordinates of each. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.operations.audit.places import MAX_EXAMPLES, first, size
from pipeline.operations.audit.report import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.operations.audit.places import Places


class Tally:
    """``counts`` and ``examples`` by violation, all of them from the beginning."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(Violation, 0)
        self.examples: dict[Violation, list[str]] = {violation: [] for violation in Violation}

    def add(self, violation: Violation, places: Places, prefix: str = "") -> None:
        """Add places; ``prefix`` names their topic where it isn't the input."""
        self.add_named(violation, size(places), first(places, prefix))

    def add_range(self, violation: Violation, partition: int, begin: int, end: int, prefix: str = "") -> None:
        """Add offsets of a partition from ``begin`` to below ``end``."""
        self.add_named(violation, end - begin, [f"{prefix}{partition}:{begin}-{end - 1}"])

    def add_named(self, violation: Violation, count: int, names: Iterable[str]) -> None:
        """Add so many, with the names of the first."""
        self.counts[violation] += count
        examples = self.examples[violation]
        examples.extend(names)
        del examples[MAX_EXAMPLES:]
