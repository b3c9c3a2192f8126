"""Says loudly when a rule hits far more often than it used to: that may be an attack, or a rule that is wrong."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from detector.rules.hit_rates import HitRates
from pipeline.contracts.messages import COUNTED, EXEMPT, SHADOW

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from detector.rules.ruleset import RuleSet

    # Is told the version in force, the rule, and the sentence about it.
    Act = Callable[[str, str, str], None]

logger = logging.getLogger(__name__)

BLOCK: Final = 500  # transactions
TELL_SECONDS: Final = 60.0
# What a rule says that has no part in whether it hits.
_BESIDE_HITS: Final = frozenset({"severity", "score", "mode", "message", "quarantine"})
_HITS: Final = (COUNTED, SHADOW, EXEMPT)


class HitAlarm:
    """Looks at the counts of the rules in force. ``act`` is called for rules whose file wants them in quarantine."""

    def __init__(self, rules: RuleSet, act: Act | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._act = act
        self._now = now
        self._rates = HitRates()
        self._told_at: dict[str, float] = {}
        self._described: dict[object, dict[str, object]] = {}
        self.follow(rules)

    def follow(self, rules: RuleSet) -> None:
        """Look at these from now on; what is known of rules that have stayed as they were is kept."""
        described = {one["id"]: {name: one[name] for name in one.keys() - _BESIDE_HITS} for one in rules.describe()}
        changed = [str(name) for name, one in described.items() if self._described.get(name) != one]
        self._described, self._rules = described, rules
        self._rates.forget(changed)
        self._rates.follow([str(name) for name in described])
        self._judged = rules.counts.judged
        self._before: Counter[tuple[str, str]] = rules.counts.total.copy()

    def look(self) -> None:
        """Look at what was committed, where that is a block of transactions; tell of a rule once a minute at most."""
        counts = self._rules.counts
        judged = counts.judged - self._judged
        if judged < BLOCK:
            return
        hits: dict[str, int] = {}
        for (rule, what), count in counts.total.items():
            if what in _HITS:
                hits[rule] = hits.get(rule, 0) + count - self._before[rule, what]
        self._judged, self._before = counts.judged, counts.total.copy()
        for explosion in self._rates.add(judged, hits):
            if self._now() >= self._told_at.get(explosion.rule, 0.0):
                self._told_at[explosion.rule] = self._now() + TELL_SECONDS
                self._tell(explosion.rule, explosion.told())

    def _tell(self, rule: str, told: str) -> None:
        logger.warning("rules of %s: %s: an attack, or a rule that is wrong", self._rules.version, told)
        if self._act is not None and rule in self._rules.quarantined:
            self._act(self._rules.version, rule, told)
