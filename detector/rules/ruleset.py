"""A set of rules and the judgement it comes to."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from detector.rules.counts import RuleCounts
from detector.rules.judging import judge_of
from detector.rules.windows.engine import Windows
from detector.rules.windows.plan import Plan
from pipeline.contracts.messages import COUNTED, EXEMPT, Hit, Transaction, Verdict
from pipeline.contracts.moments import milliseconds_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from detector.rules.lists import AllowList, DenyList
    from detector.rules.rule import Rule
    from detector.rules.subject import Subject

HASH_CHARACTERS: Final = 16


class Judgement(NamedTuple):
    """All hits. They are in ``verdict`` where those that count reach the threshold together, else in ``noted``.

    ``late``: the transaction came later than the rules wait for, and was judged on what was kept.
    """

    verdict: Verdict | None
    noted: Sequence[Hit] = ()
    late: bool = False


NOTHING: Final = Judgement(None)
LATE: Final = Judgement(None, late=True)


class RuleSet:
    """Rules in force together. ``version`` is the hash of their content: the same rules, the same version."""

    def __init__(
        self,
        rules: Sequence[Rule | DenyList],
        allows: Sequence[AllowList],
        threshold: int,
        settled: dict[str, object],
        plan: Plan | None = None,
    ) -> None:
        """Take the rules and lists of a file; ``settled`` is all else in it that decides, fit for JSON.

        ``plan`` is what the rules ask of the past, None for nothing.
        """
        self._rules = tuple(rules)
        self._allows = tuple(allows)
        self._threshold = threshold
        self.counts = RuleCounts()
        self._hits = judge_of(self._rules, self.counts.add)
        self.plan = Plan() if plan is None else plan
        self.windows = Windows(self.plan)
        content = {"threshold": threshold, "rules": self.describe(), **settled}
        content["allows"] = [one.describe() for one in allows]
        # In ASCII: a text of the environment may hold what no encoding has.
        self._shape = (settled, self.plan.shape())
        encoded = json.dumps(content, sort_keys=True, separators=(",", ":"))
        self.version = hashlib.sha256(encoded.encode()).hexdigest()[:HASH_CHARACTERS]

    def describe(self) -> list[dict[str, object]]:
        """Return what decides about hits, rule by rule, fit for JSON."""
        return [rule.describe() for rule in self._rules]

    def judge(self, transaction: Transaction, partition: int = 0, timestamp_ms: int | None = None) -> Judgement:
        """Return what the rules say of a transaction, and remember it.

        ``partition`` is that of the log it was read from, ``timestamp_ms`` the record's time there in milliseconds
        since 1970; None where there is no record: the transaction's own time.
        """
        if timestamp_ms is None:
            timestamp_ms = milliseconds_of(transaction.timestamp)
        subject = self.windows.take(partition, timestamp_ms, transaction)
        hits = self._hits(subject)
        if hits is None:
            return LATE if subject.late else NOTHING
        return self._judgement(self._exempted(hits, subject), late=subject.late)

    def _exempted(self, hits: list[Hit], subject: Subject) -> list[Hit]:
        for allow in self._allows:
            rules = allow.exempted(subject)
            if rules:
                hits = [
                    replace(hit, standing=EXEMPT) if hit.rule in rules and hit.standing == COUNTED else hit
                    for hit in hits
                ]
        return hits

    def observe(self, transaction: Transaction, partition: int, timestamp_ms: int) -> None:
        """Remember a transaction without judging it, as where a log is read again; else as ``judge``."""
        self.windows.take(partition, timestamp_ms, transaction)

    def take_over(self, before: RuleSet) -> bool:
        """Take over what others remember, of which nothing is staged; return False where these look at something else.

        Then nothing is remembered yet.
        """
        if self._shape != before._shape:
            return False
        self.windows.take_over(before.windows)
        return True

    def keep(self, partitions: Collection[int]) -> None:
        """Drop what is remembered of other partitions than these."""
        self.windows.keep(partitions)

    def committed(self) -> None:
        """Take for good what was counted and remembered since the last outcome."""
        self.counts.committed()
        self.windows.committed()

    def aborted(self) -> None:
        """Undo what was counted and remembered since the last outcome."""
        self.counts.aborted()
        self.windows.aborted()

    def _judgement(self, hits: list[Hit], *, late: bool) -> Judgement:
        score = 0
        for hit in hits:
            self.counts.add(hit.rule, hit.standing)
            if hit.standing == COUNTED:
                score += hit.score
        if score < self._threshold:
            return Judgement(None, hits, late)
        return Judgement(Verdict(ruleset=self.version, score=score, hits=hits, late=late), late=late)
