"""Tells in the log what the rules do: every hit is counted, also those that decide nothing, and every error."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from detector.rules.ruleset import RuleSet

logger = logging.getLogger(__name__)

SECONDS: Final = 10.0


class RuleReport:
    """One line every ten seconds at most, and none while nothing changes."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._due = 0.0
        self._told = 0

    def tell_if_due(self) -> None:
        """Log the counts by rule, where there are new ones and some time has passed."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + SECONDS
        self.tell()

    def tell(self) -> None:
        """Log the counts by rule, where there are new ones."""
        counts = self._rules.counts
        if counts.total.total() != self._told:
            self._told = counts.total.total()
            logger.info("rules of %s: %s", self._rules.version, counts.told())
