"""What a detector tells in figures: what its rules did, and how much they remember."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.runtime.vitals import Figure, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.rules.counts import Tally
    from detector.rules.ruleset import RuleSet


def figures_of(tally: Tally, version: str, memories: Sequence[RuleSet], evicted: int) -> Iterator[Figure]:
    """Return the figures of now; ``memories`` has one set of rules for each memory there is.

    ``evicted`` is how many values went because of the bound of what is remembered.
    """
    yield Figure(metrics.JUDGED, tally.judged)
    for (rule, what), count in dict(tally.total).items():
        yield Figure(metrics.RULE_HITS, count, (rule, what))
    yield Figure(metrics.RULES, 1, (version,))
    yield Figure(metrics.STATE_EVICTED, evicted)
    keys, sizes = Counter[int](), Counter[int]()
    for rules in memories:
        for number, stage in enumerate(rules.stages, 1):
            keys[number] += stage.windows.values
            sizes[number] += stage.windows.size
    for number in keys:
        yield Figure(metrics.STATE_KEYS, keys[number], (str(number),))
        yield Figure(metrics.STATE_BYTES, sizes[number], (str(number),))
