"""The books of one branch: its records, the dead letters of its processor, what was sent again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.operations.audit.places import between, both, no_places, size, union, without
from pipeline.operations.audit.report import ProcessorEffects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.contracts.coordinates import Coordinates
    from pipeline.operations.audit.effects import Effects
    from pipeline.operations.audit.places import Places
    from pipeline.operations.audit.scope import BranchScope


class Findings(NamedTuple):
    """What was found of one branch. ``removed`` are its offsets that retention took before the processor got there.

    That is by partition: the first such offset, and the first that is left.
    """

    effects: ProcessorEffects
    missing: Places
    removed: dict[int, tuple[int, int]]
    twice: Places
    unknown: Places
    unmarked: Places


class BranchBooks:
    """Takes every record of a branch and of its dead letters once, in any order.

    What is at the committed offset of the processor or above came after we looked, and is judged next time.
    """

    def __init__(self, scope: BranchScope) -> None:
        self.scope = scope
        self._starts = dict(scope.beginnings)
        self._all = no_places()
        self._judged = no_places()
        self._letters = no_places()
        self._letters_again = no_places()
        self._retries = no_places()
        self._markers = no_places()

    def see_from(self, starts: Mapping[int, int]) -> None:
        """Note that what is before these offsets, by partition, was not read or is gone."""
        for partition, start in starts.items():
            self._starts[partition] = max(start, self._starts.get(partition, 0))

    def add_record(self, partition: int, offset: int, *, judged: bool, retried: bool) -> None:
        """Note a record of the branch; ``judged``: its origin is, ``retried``: it says that it was sent again."""
        self._all[partition].add(offset)
        if judged:
            self._judged[partition].add(offset)
        if retried:
            self._retries[partition].add(offset)

    def add_letter(self, source: Coordinates) -> None:
        """Note a dead letter, by the place in the branch of the record that it stands for."""
        partition, offset = source
        if offset in self._letters[partition]:
            self._letters_again[partition].add(offset)
        self._letters[partition].add(offset)

    def add_marker(self, became: Coordinates) -> None:
        """Note a marker, by the place in the branch of the record that a dead letter became."""
        self._markers[became.partition].add(became.offset)

    def close(self, effects: Effects) -> Findings:
        """Compare the records with what ``effects`` says was done and with the dead letters."""
        scope = self.scope
        records = between(self._judged, {}, scope.committed)
        letters = both(self._letters, records)
        told = effects.done(scope.topic, records, letters)
        done = both(told.once_or_more, records)
        return Findings(
            effects=ProcessorEffects(
                branch=scope.topic.key,
                done=size(done),
                dead_letters=size(letters),
                pending=size(self._judged) - size(records),
                method=effects.method,
            ),
            missing=without(records, union(letters, done)),
            removed={
                partition: (offset, scope.beginnings[partition])
                for partition, offset in sorted(scope.committed.items())
                if offset < scope.beginnings.get(partition, 0)
            },
            twice=union(both(self._letters_again, records), both(letters, done), both(told.twice, records)),
            unknown=self._unknown(union(self._letters, told.once_or_more)),
            unmarked=self._unmarked(),
        )

    def _unknown(self, named: Places) -> Places:
        """Return the places that no record of the branch is at, as far as can be seen."""
        elsewhere = no_places()
        for partition, offsets in named.items():
            if partition not in self.scope.ends:
                elsewhere[partition] = offsets
        return union(elsewhere, without(between(named, self._starts, self.scope.committed), self._all))

    def _unmarked(self) -> Places:
        """Return what was sent again without a marker and markers of nothing.

        A marker outlives its record, and what was sent again after we looked at the branch is judged next time.
        """
        retries = between(self._retries, self._starts, self.scope.ends)
        markers = between(self._markers, self._starts, self.scope.ends)
        return union(without(retries, markers), without(markers, retries))
