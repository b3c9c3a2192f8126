"""A set of rules and the verdict it comes to."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from pipeline.contracts.messages import Transaction, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.rules.rule import Rule

THRESHOLD: Final = 100
HASH_CHARACTERS: Final = 16


class RuleSet:
    """Rules in force together. ``version`` is the hash of their content: the same rules, the same version."""

    def __init__(self, rules: Sequence[Rule], threshold: int = THRESHOLD) -> None:
        self._rules = tuple(rules)
        self._threshold = threshold
        content = {"threshold": threshold, "rules": [rule.describe() for rule in self._rules]}
        encoded = msgspec.json.encode(content, order="deterministic")
        self.version = hashlib.sha256(encoded).hexdigest()[:HASH_CHARACTERS]

    def judge(self, transaction: Transaction) -> Verdict | None:
        """Return the verdict where the scores of the hits reach the threshold together, else None: legitimate."""
        hits, score = None, 0
        for rule in self._rules:
            hit = rule.judge(transaction)
            if hit is not None:
                hits = [hit] if hits is None else [*hits, hit]
                score += hit.score
        if hits is None or score < self._threshold:
            return None
        return Verdict(ruleset=self.version, score=score, hits=hits)
