"""How much of what rules remember a process may keep, and what it tells when values go for that."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from detector.rules.windows.sizes import UNBOUNDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from detector.rules.ruleset import RuleSet

logger = logging.getLogger(__name__)

TELL_SECONDS: Final = 60.0
LEAST_SHARE: Final = 1 << 20  # of a partition: below, a few accounts that are busy are all that it has room for


class Bound(NamedTuple):
    """``most`` bytes in all, 0 for any number, and how many partitions the log of each stage has.

    Each partition of a log in which rules remember anything has the same share, whoever reads how many of them: so what
    goes is the same in every process, and one that has all of them keeps within the bound.
    """

    most: int = 0
    partitions: Sequence[int] = ()

    def share(self, rules: RuleSet) -> int:
        """Return how many bytes a partition may take by rules."""
        remembering = self._remembering(rules)
        return self.most // remembering if self.most and remembering else UNBOUNDED

    def apply(self, rules: RuleSet) -> None:
        """Bound what rules remember; before they take anything over."""
        share = self.share(rules)
        for stage in rules.stages:
            stage.windows.limit(share)

    def warn(self, rules: RuleSet) -> None:
        """Say so where a partition may take too little to be of use."""
        share, remembering = self.share(rules), self._remembering(rules)
        if share < LEAST_SHARE:
            logger.warning(
                "STATE_MAX_BYTES=%d leaves %d bytes for each of %d partitions: that is room for few accounts, and many "
                "verdicts will be partial; set it to %d or more",
                self.most,
                share,
                remembering,
                LEAST_SHARE * remembering,
            )

    def _remembering(self, rules: RuleSet) -> int:
        """Return how many partitions the logs have together in which rules remember anything."""
        pairs = zip(rules.stages, self.partitions, strict=False)
        return sum(partitions for stage, partitions in pairs if stage.windows.remembers)


NO_BOUND: Final = Bound()


class Evictions:
    """Says once a minute at most how many values went, since what rules remember had reached its bound."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.total = 0
        self._told = 0
        self._now = now
        self._tell_at = 0.0

    def look(self, memories: Iterable[RuleSet]) -> None:
        """Count those of now; ``memories`` has one set of rules for each memory there is."""
        for rules in memories:
            for stage in rules.stages:
                self.total += stage.windows.take_evicted()
        if self.total == self._told or self._now() < self._tell_at:
            return
        self._tell_at = self._now() + TELL_SECONDS
        logger.warning(
            "%d values of keys were evicted (%d since the start): what rules remember has reached its bound. Verdicts "
            "that may lack history for it say partial; raise STATE_MAX_BYTES on every detector, or shorten windows",
            self.total - self._told,
            self.total,
        )
        self._told = self.total
