"""What a detector tells in figures: what its rules did, and how much they remember."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.runtime.vitals import Figure, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.rules.counts import Tally
    from detector.rules.ruleset import RuleSet


def figures_of(tally: Tally, version: str, memories: Sequence[RuleSet]) -> Iterator[Figure]:
    """Return the figures of now; ``memories`` has one set of rules for each memory there is."""
    yield Figure(metrics.JUDGED, tally.judged)
    for (rule, what), count in dict(tally.total).items():
        yield Figure(metrics.RULE_HITS, count, (rule, what))
    yield Figure(metrics.RULES, 1, (version,))
    by_stage: dict[int, int] = {}
    for rules in memories:
        for number, stage in enumerate(rules.stages, 1):
            held = sum(len(by_value) for one in list(stage.windows.partitions.values()) for by_value in one.values)
            by_stage[number] = by_stage.get(number, 0) + held
    for number, held in by_stage.items():
        yield Figure(metrics.STATE_KEYS, held, (str(number),))
