"""What a detector remembers of each partition, as snapshots need to know it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Protocol

from detector.snapshots.records import Log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detector.rules.ruleset import RuleSet
    from detector.rules.windows.engine import Windows
    from detector.rules.windows.kept import Partition
    from pipeline.runtime.handler import Place

SHAPE_CHARACTERS: Final = 16


class Remembering(Protocol):
    """A detector, of however many stages."""

    def memories(self) -> Sequence[RuleSet]:
        """Return one version for each memory, that of the rules in force first."""
        ...

    def stage_of(self, topic: str) -> int:
        """Return the stage whose log a topic is."""
        ...


class Places:
    """Finds for a partition its log, its memory by the rules in force, and where snapshots of it are written.

    ``ids`` are those of all topics that are read, by name. ``about`` is whatever else decides what a message means,
    such as its format. ``partitions`` is how many the topic of snapshots has: each has all about some partitions of
    the logs.
    """

    def __init__(self, detector: Remembering, ids: Mapping[str, str], about: str, partitions: int) -> None:
        self._detector = detector
        self._ids = ids
        self._about = about
        self._partitions = partitions
        self._shapes: tuple[RuleSet | None, dict[str, str]] = (None, {})

    @property
    def alone(self) -> bool:
        """Tell whether the rules in force have the only memory: no other version is remembered beside them."""
        return len(self._detector.memories()) == 1

    def log(self, place: Place) -> Log:
        """Return the log of a partition."""
        topic, partition = place
        return Log(topic, self._ids[topic], partition)

    def shape(self, place: Place) -> str:
        """Return what tells the memory of a partition from others."""
        rules, topic = self._rules, place[0]
        if self._shapes[0] is not rules:
            self._shapes = rules, {}
        shapes = self._shapes[1]
        if topic not in shapes:
            told = f"{rules.shape(self._detector.stage_of(topic))} {self._about}"
            shapes[topic] = hashlib.sha256(told.encode()).hexdigest()[:SHAPE_CHARACTERS]
        return shapes[topic]

    def held(self, place: Place) -> Partition | None:
        """Return what is remembered of a partition; None where that is nothing yet."""
        return self.windows(place).partitions.get(place[1])

    def windows(self, place: Place) -> Windows:
        """Return the memory that a partition is part of."""
        return self._rules.stages[self._detector.stage_of(place[0])].windows

    def target(self, place: Place) -> int:
        """Return the partition of the topic of snapshots in which those of a partition stand."""
        return place[1] % self._partitions

    @property
    def _rules(self) -> RuleSet:
        return self._detector.memories()[0]
