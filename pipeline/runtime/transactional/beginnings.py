"""Finds out where reading begins: what is committed, what is saved beside Kafka, and what there is in the log."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from kafka.errors import LeaderNotAvailableError

from pipeline.runtime.clients.deadlines import COMMITTED_MS
from pipeline.runtime.transactional.start import LostOffsetsError, PartitionState, start_beside, start_offset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kafka.structs import TopicPartition

    from pipeline.runtime.handler import Place
    from pipeline.runtime.transactional.commits import Commits
    from pipeline.runtime.transactional.effects import Effects


class Beginning(NamedTuple):
    """By partition: where to read from, what is committed (None where nothing is) and what with it, the log's end."""

    starts: dict[TopicPartition, int]
    committed: dict[TopicPartition, int | None]
    metadata: dict[TopicPartition, str]
    ends: dict[TopicPartition, int]

    @property
    def floors(self) -> dict[TopicPartition, int]:
        """Return what is committed of partitions that are read again from before it."""
        return {
            place: known for place, known in self.committed.items() if known is not None and known > self.starts[place]
        }

    @property
    def known(self) -> dict[TopicPartition, int]:
        """Return where reading begins, -1 where nothing is committed."""
        return {place: -1 if self.committed[place] is None else at for place, at in self.starts.items()}


class Beginnings:
    """Looks at an assignment, and decides as ``start`` has it."""

    def __init__(
        self,
        commits: Commits,
        has_outputs: Callable[[TopicPartition], bool],
        lost: str,
        effects: Effects | None,
        lost_effects: str,
    ) -> None:
        """See :class:`~pipeline.runtime.transactional.intake.Intake`."""
        self._commits = commits
        self._has_outputs = has_outputs
        self._lost = lost
        self._effects = effects
        self._lost_effects = lost_effects

    def find(self, consumer: Any, places: Sequence[TopicPartition]) -> Beginning:  # noqa: ANN401 (no types)
        """Return where to begin.

        Raises:
            LostOffsetsError: a person has to decide it.
            KafkaError: the cluster could not tell, or others go on with these partitions meanwhile.
            EffectsError: the database could not tell.

        """
        # What is committed, then what is saved, then what there is. Others may go on for as long as this process waits
        # or is frozen in between, and an end that was asked for first would lie before what they commit and save.
        found = self._commits.found(consumer, places)
        saved = {} if self._effects is None else self._effects.resumed(places)
        try:
            beginnings = consumer.beginning_offsets(places, timeout_ms=COMMITTED_MS)
            ends = consumer.end_offsets(places, timeout_ms=COMMITTED_MS)
        except KeyError as error:
            # The client's way of saying that a partition which was just added has no leader yet.
            raise LeaderNotAvailableError(f"nobody leads {error} yet") from error
        committed = {place: None if one is None else one.offset for place, one in found.items()}
        starts: dict[TopicPartition, int] = {}
        try:
            for place in places:
                name = f"{place.topic}:{place.partition}"
                state = PartitionState(name, committed[place], beginnings[place], ends[place])
                starts[place] = self._start(place, state, saved)
        except LostOffsetsError:
            # Nobody should have to decide about partitions with which others went on.
            self._commits.refuse_if_moved(consumer, found)
            raise
        metadata = {place: one.metadata for place, one in found.items() if one is not None}
        return Beginning(starts, committed, metadata, ends)

    def _start(self, place: TopicPartition, state: PartitionState, saved: Mapping[Place, int]) -> int:
        has_outputs = partial(self._has_outputs, place)
        if self._effects is None:
            return start_offset(state, has_outputs, self._lost)
        return start_beside(state, saved.get(place), has_outputs, self._lost, self._lost_effects)
