"""The rules that are judged at one stage, with their memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from detector.rules.judging import judge_of
from detector.rules.windows.engine import Windows
from pipeline.contracts.caveats import NONE, told_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.rules.counts import RuleCounts
    from detector.rules.lists import DenyList
    from detector.rules.rule import Rule
    from detector.rules.windows.plan import Plan
    from pipeline.contracts.caveats import Caveats
    from pipeline.contracts.messages import Hit, Transaction


class Found(NamedTuple):
    """Hits, in no order, that nobody has weighed yet, and the caveats of the stages that found them."""

    hits: list[Hit]
    caveats: Caveats = NONE

    def and_then(self, later: Found) -> Found:
        """Return what was found here and at a later stage together."""
        if not self.hits and self.caveats is NONE:
            return later
        if not later.hits and later.caveats is NONE:
            return self
        return Found([*self.hits, *later.hits], self.caveats | later.caveats)


FOUND_NOTHING: Final = Found([])  # as nearly always: nobody changes it


class Stage:
    """Rules that look at one log. ``plan`` is what they ask of its past; their errors go to ``counts``.

    ``hits`` finds the hits of a transaction that was just taken, in the order of the rules; None where there are none.
    """

    def __init__(self, rules: Sequence[Rule | DenyList], plan: Plan, counts: RuleCounts) -> None:
        self.hits = judge_of(rules, counts.add)
        self.plan = plan
        self.windows = Windows(plan)

    def find(self, transaction: Transaction, partition: int, timestamp_ms: int) -> Found:
        """Return what the rules find about a transaction, and remember it; see ``Windows.take`` for the place."""
        subject = self.windows.take(partition, timestamp_ms, transaction)
        hits = self.hits(subject)
        if hits is None and not (subject.late or subject.partial):
            return FOUND_NOTHING
        return Found(hits or [], told_of(late=subject.late, partial=subject.partial))
