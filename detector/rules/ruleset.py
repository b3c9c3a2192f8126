"""A set of rules and the judgement it comes to."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from detector.rules.counts import RuleCounts
from detector.rules.expressions import EvaluationError
from detector.rules.subject import Subject
from pipeline.contracts.messages import COUNTED, EXEMPT, Hit, Transaction, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.rules.lists import AllowList, DenyList
    from detector.rules.rule import Rule

HASH_CHARACTERS: Final = 16


class Judgement(NamedTuple):
    """All hits. They are in ``verdict`` where those that count reach the threshold together, else in ``noted``."""

    verdict: Verdict | None
    noted: Sequence[Hit] = ()


NOTHING: Final = Judgement(None)


class RuleSet:
    """Rules in force together. ``version`` is the hash of their content: the same rules, the same version."""

    def __init__(
        self,
        rules: Sequence[Rule | DenyList],
        allows: Sequence[AllowList],
        threshold: int,
        settled: dict[str, object],
    ) -> None:
        """Take the rules and lists of a file; ``settled`` is all else in it that decides, fit for JSON."""
        self._rules = tuple(rules)
        self._allows = tuple(allows)
        self._judges = tuple((rule.id, rule.judge) for rule in self._rules)
        self._threshold = threshold
        self.counts = RuleCounts()
        content = {"threshold": threshold, "rules": self.describe(), **settled}
        content["allows"] = [one.describe() for one in allows]
        # In ASCII: a text of the environment may hold what no encoding has.
        encoded = json.dumps(content, sort_keys=True, separators=(",", ":"))
        self.version = hashlib.sha256(encoded.encode()).hexdigest()[:HASH_CHARACTERS]

    def describe(self) -> list[dict[str, object]]:
        """Return what decides about hits, rule by rule, fit for JSON."""
        return [rule.describe() for rule in self._rules]

    def judge(self, transaction: Transaction) -> Judgement:
        """Return what the rules say of a transaction."""
        subject = Subject(transaction)
        hits: list[Hit] | None = None
        for rule, judge in self._judges:
            try:
                hit = judge(subject)
            except EvaluationError as error:
                self.counts.add(rule, error.code)
                continue
            if hit is not None:
                if hits is None:
                    hits = []
                hits.append(hit)
        return NOTHING if hits is None else self._judgement(self._exempted(hits, subject))

    def _exempted(self, hits: list[Hit], subject: Subject) -> list[Hit]:
        for allow in self._allows:
            rules = allow.exempted(subject)
            if rules:
                hits = [
                    replace(hit, standing=EXEMPT) if hit.rule in rules and hit.standing == COUNTED else hit
                    for hit in hits
                ]
        return hits

    def _judgement(self, hits: list[Hit]) -> Judgement:
        score = 0
        for hit in hits:
            self.counts.add(hit.rule, hit.standing)
            if hit.standing == COUNTED:
                score += hit.score
        if score < self._threshold:
            return Judgement(None, hits)
        return Judgement(Verdict(ruleset=self.version, score=score, hits=hits))
