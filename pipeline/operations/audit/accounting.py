"""The books of an audit: which input offsets were seen, and which outcomes and effects name them. Pure."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from pipeline.operations.audit.branches import BranchBooks
from pipeline.operations.audit.effects import ByOffset
from pipeline.operations.audit.notes import notes_of
from pipeline.operations.audit.places import MAX_EXAMPLES, between, both, no_places, size, union, without
from pipeline.operations.audit.report import Judged, Outcome, ProcessorEffects, Report, Violation
from pipeline.operations.audit.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.contracts.coordinates import Coordinates
    from pipeline.operations.audit.effects import Effects
    from pipeline.operations.audit.scope import BranchScope, Scope


class Books:
    """Takes every record of input and outputs once, in any order; holds some bitmaps a partition, and no records.

    ``branches`` are the books of each branch, by the key of its topic.
    """

    def __init__(self, scope: Scope, branches: Iterable[BranchScope]) -> None:
        self.scope = scope
        self.branches = {branch.topic.key: BranchBooks(branch) for branch in branches}
        self._firsts = dict(scope.first)
        self._floors: dict[int, int] = {}
        self._input = no_places()
        self._outcomes = {outcome: no_places() for outcome in Outcome}
        self._again = no_places()
        self._under_way = no_places()
        self._released = no_places()
        self._unknown = no_places()
        self._unreadable = 0
        self._unreadable_examples: list[str] = []
        self._unjudged: dict[int, int] = {}

    def add_input(self, partition: int, offset: int) -> None:
        """Note a record of the input topic, which must be within the scope."""
        self._input[partition].add(offset)

    def add_outcome(self, outcome: Outcome, origin: Coordinates) -> None:
        """Note a record of an output, by the input record that it says it comes from."""
        partition, offset = origin
        scope = self.scope
        if scope.first.get(partition, 0) <= offset < scope.end.get(partition, 0):
            offsets = self._outcomes[outcome][partition]
            if offset in offsets:
                self._again[partition].add(offset)
            offsets.add(offset)
        elif offset >= scope.log_ends.get(partition, 0):
            self._unknown[partition].add(offset)
        elif partition not in scope.committed:
            self._unjudged[partition] = self._unjudged.get(partition, 0) + 1
        # What else is decided beyond the committed offsets came after we looked: it is judged next time.

    def add_under_way(self, origin: Coordinates) -> None:
        """Note a record between two stages, by the input record that it comes from: its outcome may be yet to come."""
        self._under_way[origin.partition].add(origin.offset)

    def add_released(self, origin: Coordinates) -> None:
        """Note a record that a person has let go to be settled, by its input record: that has to be a fraud."""
        if self.scope.first.get(origin.partition, 0) <= origin.offset < self.scope.end.get(origin.partition, 0):
            self._released[origin.partition].add(origin.offset)

    def add_unreadable(self, topic: str, place: Coordinates) -> None:
        """Note an outcome or a dead letter that does not say where it comes from, by its own place in a topic."""
        self._unreadable += 1
        if len(self._unreadable_examples) < MAX_EXAMPLES:
            self._unreadable_examples.append(f"{topic}:{place}")

    def see_from(self, partition: int, offset: int) -> None:
        """Note that outcomes of input before ``offset`` may be among what retention has cut from an output."""
        self._floors[partition] = max(offset, self._floors.get(partition, 0))

    def forget_before(self, beginnings: Mapping[int, int]) -> None:
        """Note that retention has cut the input meanwhile, and left what ``beginnings`` says."""
        for partition, offset in beginnings.items():
            self._firsts[partition] = max(offset, self._firsts.get(partition, 0))
            for places in (self._input, self._again, *self._outcomes.values()):
                places[partition].remove_range(0, offset)

    def close(self, effects: Mapping[str, Effects] | None = None) -> Report:
        """Compare the sides, where they can be seen.

        ``effects`` tells what processors have done, by the key of their branch's topic; of the others, their committed
        offsets are believed.
        """
        told = effects or {}
        tally = Tally()
        unseen, under_way = self._add_outcomes(tally)
        self._add_unread(tally)
        effects_of = {
            books.scope.processor: _settle(books, told.get(key, ByOffset()), tally)
            for key, books in self.branches.items()
        }
        return Report(
            topic=self.scope.topic,
            since=self.scope.period.since,
            until=self.scope.period.until,
            judged=self._judged(),
            input=size(self._input) - unseen - under_way,
            outcomes={outcome: size(self._outcomes[outcome]) for outcome in Outcome},
            effects=effects_of,
            unseen=unseen,
            under_way=under_way,
            unjudged=sum(self._unjudged.values()),
            examples={violation.value: found for violation, found in tally.examples.items()},
            notes=notes_of(self.scope, [books.scope for books in self.branches.values()], unseen, self._unjudged),
            **{violation.attribute: count for violation, count in tally.counts.items()},
        )

    def _add_outcomes(self, tally: Tally) -> tuple[int, int]:
        """Compare the input with its outcomes.

        Return how much without one may have one that cannot be seen any more, and how much is under way to it.

        No offset is counted as two violations: what is unknown is not also called duplicated.
        """
        decided = union(*self._outcomes.values())
        exclusive = union(*(both(one, other) for one, other in combinations(self._outcomes.values(), 2)))
        undecided = without(self._input, decided)
        open_ends = without(undecided, self._under_way)
        unseen = between(open_ends, {}, self._floors)
        tally.add(Violation.LOST, without(open_ends, unseen))
        tally.add(Violation.DUPLICATED, without(both(self._again, self._input), exclusive))
        tally.add(Violation.BOTH_BRANCHES, both(exclusive, self._input))
        no_frauds = without(self._released, self._outcomes[Outcome.FRAUD])
        no_frauds = without(no_frauds, between(no_frauds, {}, self._floors))
        tally.add(Violation.UNKNOWN, union(without(decided, self._input), self._unknown, no_frauds))
        tally.add_named(Violation.UNKNOWN, self._unreadable, self._unreadable_examples)
        return size(unseen), size(undecided) - size(open_ends)

    def _add_unread(self, tally: Tally) -> None:
        """Add what retention removed from the input before the detector got to it."""
        for partition, offset in sorted(self.scope.committed.items()):
            if offset < self.scope.beginnings.get(partition, 0):
                tally.add_range(Violation.UNREAD, partition, offset, self.scope.beginnings[partition])

    def _judged(self) -> dict[int, Judged]:
        return {
            partition: Judged(
                first=min(begun, self.scope.end[partition]),
                end=self.scope.end[partition],
                input=len(self._input[partition]),
            )
            for partition, begun in sorted(self._firsts.items())
        }


def _settle(books: BranchBooks, effects: Effects, tally: Tally) -> ProcessorEffects:
    """Close the books of a branch, and add its violations to those of the outcomes."""
    found = books.close(effects)
    prefix = f"{found.effects.branch}:"
    for partition, (begin, end) in found.removed.items():
        tally.add_range(Violation.EFFECT_MISSING, partition, begin, end, prefix)
    tally.add(Violation.EFFECT_MISSING, found.missing, prefix)
    tally.add(Violation.EFFECT_TWICE, found.twice, prefix)
    tally.add(Violation.UNKNOWN, found.unknown, prefix)
    tally.add(Violation.UNMARKED, found.unmarked, prefix)
    return found.effects
