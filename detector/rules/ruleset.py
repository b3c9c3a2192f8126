"""A set of rules and the judgement it comes to."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from detector.rules.counts import RuleCounts
from detector.rules.rule import Rule
from detector.rules.stage import Found, Stage
from detector.rules.subject import Subject
from detector.rules.windows.plan import Plan
from detector.rules.windows.shape import shape_of
from pipeline.contracts.caveats import NONE, Caveats, told_of
from pipeline.contracts.messages import COUNTED, EXEMPT, Hit, Transaction, Verdict
from pipeline.contracts.moments import milliseconds_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from detector.rules.lists import AllowList, DenyList

HASH_CHARACTERS: Final = 16


class Judgement(NamedTuple):
    """All hits. They are in ``verdict`` where those that count reach the threshold together, else in ``noted``."""

    verdict: Verdict | None
    noted: Sequence[Hit] = ()
    caveats: Caveats = NONE


NOTHING: Final = Judgement(None)


class RuleSet:
    """Rules in force together. ``version`` is the hash of their content: the same rules, the same version."""

    def __init__(
        self,
        rules: Sequence[Rule | DenyList],
        allows: Sequence[AllowList],
        threshold: int,
        settled: dict[str, object],
        stages: Sequence[tuple[Plan, Collection[str]]] = (),
    ) -> None:
        """Take the rules and lists of a file; ``settled`` is all else in it that decides, fit for JSON.

        ``stages`` are what rules ask of the past, log by log, and the ids of the rules that are judged there; nothing
        where there is none. Those that no stage names are judged at the first.
        """
        self._rules = tuple(rules)
        self._allows = tuple(allows)
        self._threshold = threshold
        self.counts = RuleCounts()
        at = {rule: number for number, (_, named) in enumerate(stages) for rule in named}
        self._order = {rule.id: number for number, rule in reversed([*enumerate(self._rules)])}
        self.stages = tuple(
            Stage([rule for rule in self._rules if at.get(rule.id, 0) == number], plan, self.counts)
            for number, (plan, _) in enumerate(stages or [(Plan(), ())])
        )
        self._first, *self._later = self.stages
        content = {"threshold": threshold, "rules": self.describe(), **settled}
        content["allows"] = [one.describe() for one in allows]
        # In ASCII: a text of the environment may hold what no encoding has.
        self._shape = (settled, [stage.plan.shape() for stage in self.stages])
        encoded = json.dumps(content, sort_keys=True, separators=(",", ":"))
        self.version = hashlib.sha256(encoded.encode()).hexdigest()[:HASH_CHARACTERS]

    @property
    def quarantined(self) -> frozenset[str]:
        """The rules that are to decide nothing any more when they explode, and do so far."""
        return frozenset(rule.id for rule in self._rules if isinstance(rule, Rule) and rule.goes_into_quarantine)

    def describe(self) -> list[dict[str, object]]:
        """Return what decides about hits, rule by rule, fit for JSON."""
        return [rule.describe() for rule in self._rules]

    def judge(
        self, transaction: Transaction, partition: int = 0, timestamp_ms: int | None = None, caveats: Caveats = NONE
    ) -> Judgement:
        """Return what the rules say of a transaction, and remember it: all stages, in one place.

        ``partition`` is that of the log it was read from, ``timestamp_ms`` the record's time there in milliseconds
        since 1970; None where there is no record: the transaction's own time. ``caveats`` are those that hold already.
        """
        if timestamp_ms is None:
            timestamp_ms = milliseconds_of(transaction.timestamp)
        first = self._first
        if self._later:
            found = first.find(transaction, partition, timestamp_ms)
            for stage in self._later:
                found = found.and_then(stage.find(transaction, partition, timestamp_ms))
            return self.weigh(transaction, Found([], caveats).and_then(found))
        self.counts.staged += 1
        subject = first.windows.take(partition, timestamp_ms, transaction)
        hits = first.hits(subject)
        if subject.late or subject.partial:
            caveats |= told_of(late=subject.late, partial=subject.partial)
        if hits is None:
            return NOTHING if caveats is NONE else Judgement(None, caveats=caveats)
        return self._judgement(self._exempted(hits, subject), caveats)

    def weigh(self, transaction: Transaction, found: Found) -> Judgement:
        """Return what comes of all that every stage has found."""
        self.counts.staged += 1
        if not found.hits:
            return NOTHING if found.caveats == NONE else Judgement(None, caveats=found.caveats)
        last = len(self._order)
        hits = sorted(found.hits, key=lambda hit: self._order.get(hit.rule, last))
        return self._judgement(self._exempted(hits, Subject(transaction)), found.caveats)

    def _exempted(self, hits: list[Hit], subject: Subject) -> list[Hit]:
        for allow in self._allows:
            rules = allow.exempted(subject)
            if rules:
                hits = [
                    replace(hit, standing=EXEMPT) if hit.rule in rules and hit.standing == COUNTED else hit
                    for hit in hits
                ]
        return hits

    @property
    def reach_us(self) -> int:
        """How far behind the clock of a key anything is still looked at, in microseconds; 0 where nothing is."""
        return max(stage.plan.reach_us for stage in self.stages)

    @property
    def reach_ms(self) -> int:
        """The same in milliseconds, rounded up."""
        return -(-self.reach_us // 1_000)

    def observe(
        self, transaction: Transaction, partition: int, timestamp_ms: int, stage: int = 0, offset: int | None = None
    ) -> None:
        """Remember a transaction without judging it, as where the log of a stage is read again; else as ``judge``.

        ``offset`` is that of its record: parts of what is remembered may know it already. None: nothing does.
        """
        self.stages[stage].windows.observe(partition, offset, timestamp_ms, transaction)

    def shape(self, stage: int = 0) -> str:
        """Return what tells apart what is remembered at a stage, in every process: another shape, another past."""
        settled, plans = self._shape
        return shape_of((json.dumps(settled, sort_keys=True), plans[stage]))

    def take_over(self, before: RuleSet) -> bool:
        """Remember together with others from now on; return False where these look at something else.

        Then nothing is remembered yet.
        """
        if self._shape != before._shape:
            return False
        for stage, other in zip(self.stages, before.stages, strict=True):
            stage.windows.take_over(other.windows)
        return True

    def shares(self, other: RuleSet) -> bool:
        """Tell whether these and others remember together."""
        return self.stages[0].windows.partitions is other.stages[0].windows.partitions

    def keep(self, partitions: Collection[int], stage: int = 0) -> None:
        """Drop what a stage remembers of other partitions than these."""
        self.stages[stage].windows.keep(partitions)

    def committed(self) -> None:
        """Take for good what was counted and remembered since the last outcome."""
        self.counts.committed()
        for stage in self.stages:
            stage.windows.committed()

    def aborted(self) -> None:
        """Undo what was counted and remembered since the last outcome."""
        self.counts.aborted()
        for stage in self.stages:
            stage.windows.aborted()

    def _judgement(self, hits: list[Hit], caveats: Caveats) -> Judgement:
        score = 0
        for hit in hits:
            self.counts.add(hit.rule, hit.standing)
            if hit.standing == COUNTED:
                score += hit.score
        if score < self._threshold:
            return Judgement(None, hits, caveats)
        return Judgement(
            Verdict(
                ruleset=self.version,
                score=score,
                hits=hits,
                late=caveats.late,
                unkeyed=caveats.unkeyed,
                partial=caveats.partial,
            ),
            caveats=caveats,
        )
