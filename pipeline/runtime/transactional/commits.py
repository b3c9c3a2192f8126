"""What the group has committed: asked for, held against what is known of it, and told from what others committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.deadlines import COMMITTED_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kafka.structs import OffsetAndMetadata, TopicPartition

    from pipeline.runtime.transactional.batch import Batch


class OffsetsBehindError(KafkaError):  # type: ignore[misc] # the client has no types
    """A partition's committed offset is lower than it was: the coordinator that answers does not know all of it yet."""


class CommittedMeanwhileError(KafkaError):  # type: ignore[misc] # the client has no types
    """Another member commits what we believed to be ours: what was found out about it holds no more."""


class Commits:
    """Looks with the consumer that it is given; offsets of transactions that are still being decided are waited for."""

    def __init__(self) -> None:
        self._reached: dict[TopicPartition, int] = {}  # committed, as far as this process knows

    def found(
        self,
        consumer: Any,  # noqa: ANN401 (a client without types)
        places: Iterable[TopicPartition],
    ) -> dict[TopicPartition, OffsetAndMetadata | None]:
        """Return what is committed.

        Raises:
            OffsetsBehindError: less than was committed before: a broker that has just started was seen to say so.
            KafkaError: the cluster could not tell.

        """
        found = {place: self._of(consumer, place) for place in places}
        for place, one in found.items():
            offset = -1 if one is None else one.offset
            if offset < self._reached.get(place, -1):
                said = "nothing" if one is None else f"offset {offset}"
                raise OffsetsBehindError(
                    f"{place.topic}:{place.partition}: {said} is committed by what the coordinator says, "
                    f"and offset {self._reached[place]} was"
                )
        self._reached = {place: one.offset for place, one in found.items() if one is not None}
        return found

    def refuse_if_moved(self, consumer: Any, found: Mapping[TopicPartition, OffsetAndMetadata | None]) -> None:  # noqa: ANN401 (as above)
        """Ask again, and refuse to go on where something else is committed than was found.

        Raises:
            CommittedMeanwhileError: it is not the same.
            KafkaError: the cluster could not tell.

        """
        moved = [place for place, one in self.found(consumer, found).items() if one != found[place]]
        if moved:
            told = ", ".join(f"{place.topic}:{place.partition}" for place in moved)
            raise CommittedMeanwhileError(f"another member has committed meanwhile what it read of {told}")

    def settled(self, batch: Batch) -> None:
        """Note that a batch is committed."""
        self._reached.update((place, end.offset) for place, end in batch.ends.items())

    def have(self, consumer: Any, batch: Batch) -> bool:  # noqa: ANN401 (as above)
        """Tell whether the offsets of a batch were committed, and thus all that was written because of it.

        Another member may have committed the same offsets after ours were aborted: the token tells them apart. The
        next commit of a partition replaces it, so ask before that, and of any partition of the batch.
        """
        for place, end in batch.ends.items():
            found = self._of(consumer, place)
            if found is not None and (found.offset, found.metadata) == (end.offset, end.metadata):
                return True
        return False

    @staticmethod
    def _of(consumer: Any, place: TopicPartition) -> OffsetAndMetadata | None:  # noqa: ANN401 (as above)
        found: OffsetAndMetadata | None = consumer.committed(place, metadata=True, timeout_ms=COMMITTED_MS)
        return found
