"""What an audit judges, and from where on it can see: offsets that were asked for before anything was read. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pipeline.contracts.coordinates import Coordinates
    from pipeline.contracts.topics import Topic


class Period(NamedTuple):
    """A span of record time: from ``since`` to before ``until``, None where it is open. Both are aware."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def limited(self) -> bool:
        """Tell whether it leaves anything out."""
        return self != ALL_TIME


ALL_TIME = Period()


@dataclass(frozen=True)
class Scope:
    """Offsets of the input, by partition.

    ``beginnings`` is what retention had left, ``log_ends`` where the input ended once the outputs' ends were known:
    both have every partition. ``committed`` is how far the detector was; partitions in which it has committed nothing
    are not in it. ``since`` and ``until`` are the first records that are not before the ends of ``period``, in
    partitions that have such a record.
    """

    topic: str
    beginnings: Mapping[int, int]
    committed: Mapping[int, int]
    log_ends: Mapping[int, int]
    period: Period = ALL_TIME
    since: Mapping[int, int] = field(default_factory=dict)
    until: Mapping[int, int] = field(default_factory=dict)

    @cached_property
    def first(self) -> dict[int, int]:
        """Return from which offset on each partition is judged."""
        if self.period.since is None:
            return dict(self.beginnings)
        return {
            partition: max(beginning, self.since.get(partition, self.log_ends[partition]))
            for partition, beginning in self.beginnings.items()
        }

    @cached_property
    def end(self) -> dict[int, int]:
        """Return to below which offset each partition is judged, the same as ``first`` where nothing is."""
        return {
            partition: max(
                first,
                min(
                    self.committed.get(partition, 0),
                    self.until.get(partition, self.log_ends[partition]),
                ),
            )
            for partition, first in self.first.items()
        }

    def concerns(self, origin: Coordinates | None) -> bool:
        """Tell whether a record of a branch with this origin is judged.

        Without a time range all are but those that came after we looked: they outlive their input.
        """
        if origin is None:
            return not self.period.limited
        partition, offset = origin
        if self.period.limited:
            return self.first.get(partition, 0) <= offset < self.end.get(partition, 0)
        return partition not in self.end or offset < self.end[partition]


@dataclass(frozen=True, slots=True)
class BranchScope:
    """Offsets of a branch, by partition: what retention had left, its ends, how far its processor was.

    ``committed`` lacks partitions in which the processor has committed nothing.
    """

    topic: Topic
    beginnings: Mapping[int, int]
    ends: Mapping[int, int]
    committed: Mapping[int, int]

    @property
    def processor(self) -> str:
        """Return the service that reads the branch."""
        return self.topic.consumers[0]
