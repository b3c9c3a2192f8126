"""The reading side of the loop: batches under a membership that holds, from where reading has to begin."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any

from kafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from kafka.structs import MemberState

from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.deadlines import CLOSE_SECONDS
from pipeline.runtime.handler import NoMarks
from pipeline.runtime.places import named
from pipeline.runtime.transactional.batch import Batch
from pipeline.runtime.transactional.beginnings import Beginnings
from pipeline.runtime.transactional.commits import Commits
from pipeline.runtime.transactional.memory import NoMemory
from pipeline.runtime.transactional.positions import Positions
from pipeline.runtime.transactional.standing import Reach, Standing
from pipeline.runtime.transactional.standstill import ConsumerHangsError, Standstill
from pipeline.runtime.transactional.start import REFUSE

if TYPE_CHECKING:
    from collections.abc import Callable

    from kafka.structs import TopicPartition

    from pipeline.runtime.handler import Marks
    from pipeline.runtime.transactional.batch import Read
    from pipeline.runtime.transactional.effects import Effects
    from pipeline.runtime.transactional.memory import Memory

logger = logging.getLogger(__name__)

POLL_MS = 200


class Intake:
    """Polls, and hands out a batch only under a membership that is valid and the same as before.

    A member that was evicted and came back keeps its old positions, and the broker accepts offsets without a
    generation unfenced: both were seen to write records twice. So a poll under another membership than the last is
    dropped, and every partition is sought to its committed offset.
    """

    def __init__(  # noqa: PLR0913 (the parts of the reading side meet here)
        self,
        make_consumer: Callable[[], Any],
        *,
        read: Read,
        lost: str,
        has_outputs: Callable[[TopicPartition], bool],
        memory: Memory | None = None,
        marks: Marks | None = None,
        effects: Effects | None = None,
        lost_effects: str = REFUSE,
    ) -> None:
        """Read with what ``make_consumer`` returns; ``read`` makes our records of what it brings of one partition.

        ``has_outputs`` tells whether records that came from a partition were written anywhere (see ``start``).
        ``memory`` is brought up to where reading begins before anything is handed out.
        ``marks`` are committed with the offsets, behind the token of the batch. ``effects`` are saved beside Kafka, and
        say how far; ``lost_effects`` is as ``lost``, where they do not fit (see ``start``).
        """
        self._make_consumer = make_consumer
        self._consumer = make_consumer()
        self._standstill = Standstill()
        self._read = read
        self._marks = marks or NoMarks()
        self._floors: dict[TopicPartition, int] = {}
        self._member: tuple[int, str] | None = None
        self._reached_as: tuple[int, str] | None = None  # the last membership, also when what was polled was dropped
        self._name = uuid.uuid4().hex
        self._batches = 0
        self._positions = Positions()
        self._commits = Commits()
        self._beginnings = Beginnings(self._commits, has_outputs, lost, effects, lost_effects)
        self._memory: Memory = memory or NoMemory()
        self._reach = Reach()

    def standing(self) -> Standing:
        """Return how far reading is; asks nobody."""
        if self._member is None:
            return Standing("no place in the group yet")
        return self._reach.standing(self._consumer.highwater, remembering=self._memory.under_way)

    def poll(self, max_records: int) -> Batch | None:
        """Return the next batch, or None where there is nothing that may be handled now.

        Raises:
            KafkaError: the cluster could not tell what it must.
            LostOffsetsError: a partition's start has to be decided by a person.

        """
        try:
            try:
                return self._batch_of(self._polled(max_records))
            except ConsumerHangsError as error:
                logger.warning("replacing the consumer: %s", error)
                self._replace_consumer()
                return None
        except BaseException:
            # Whatever was polled is not handed out: the next poll begins at the committed offsets. The client's
            # own poll may raise behind records that it has taken, too, when it asks for the next.
            self._member = None
            raise

    def _polled(self, max_records: int) -> dict[TopicPartition, list[Any]]:
        try:
            # While there is something to remember nothing is read here: the group only has to hear from us.
            wait_ms = 0 if self._memory.under_way else POLL_MS
            polled: dict[TopicPartition, list[Any]] = self._consumer.poll(timeout_ms=wait_ms, max_records=max_records)
        except (NoOffsetForPartitionError, OffsetOutOfRangeError):
            self._member = None
            return {}
        return polled

    def _batch_of(self, polled: dict[TopicPartition, list[Any]]) -> Batch | None:
        membership = self._consumer.group_metadata()
        # The generation changes when the group answers, the assignment only when the join is complete.
        joined = membership.state == MemberState.STABLE and membership.generation_id >= 0 and membership.member_id
        if not joined:
            self._member = None
            self._standstill.has_no_place()
            return None
        member = (membership.generation_id, membership.member_id)
        if member != self._member:
            if member != self._reached_as:
                self._reach.forget()
            self.rewind()
            self._member = self._reached_as = member
            self._standstill.moved()
            return None
        if self._memory.under_way:
            self._memory.go_on()
            if not self._memory.under_way:
                self.go_on()
            return None
        self._memory.rest()
        if polled:
            self._standstill.came()
        self._standstill.look(self._consumer)
        positions = self._positions.moved(self._consumer)
        if not (polled or positions):
            return None
        self._batches += 1
        token = f"{self._name}:{self._batches} {self._marks.next()}".rstrip()
        if self._memory.outdated:
            self.rewind()
            return None
        batch = Batch(polled, membership, self._read, token, positions, self._floors)
        self._positions.taken(batch.ends)
        return batch

    def stay(self) -> None:
        """Stay a member of the group and read nothing; the next :meth:`poll` begins at the committed offsets.

        Raises:
            KafkaError: the cluster could not tell what it must.

        """
        self._member = None
        self._consumer.pause(*self._consumer.assignment())
        try:
            self._consumer.poll(timeout_ms=POLL_MS)
        except (NoOffsetForPartitionError, OffsetOutOfRangeError):
            logger.debug("a new partition has no position yet: it gets one when reading goes on")

    def go_on(self) -> None:
        """Read again, after :meth:`stay`, and once all is remembered."""
        self._standstill.moved()
        self._consumer.resume(*self._consumer.paused())

    def rewind(self) -> None:
        """Seek every assigned partition to its committed offset, or to where ``start`` says it begins."""
        places = sorted(self._consumer.assignment())
        self._positions.begin({})
        if not places:
            self._reach.forget()
            self._memory.resumed({}, {})
            logger.info("assigned", extra={"partitions": []})
            return
        found = self._beginnings.find(self._consumer, places)
        self._marks.taken_over(found.metadata)
        for place, offset in found.starts.items():
            self._consumer.seek(place, offset)
        self._positions.begin(found.known)
        self._floors = found.floors
        logger.info("assigned", extra={"partitions": list(named(places).values())})
        self._reach.begin(found.starts, found.ends)
        self._memory.resumed(found.starts, found.committed)
        if self._memory.under_way:
            self._consumer.pause(*places)
        else:
            self._consumer.resume(*self._consumer.paused())

    def settled(self, batch: Batch) -> None:
        """Note that a batch is committed."""
        self._commits.settled(batch)
        self._reach.settled(batch.ends)
        self._memory.settled(batch.ends)

    def _replace_consumer(self) -> None:
        fresh = self._make_consumer()  # joins the group at its first poll
        self.close()
        self._consumer, self._member = fresh, None
        self._standstill.moved()

    def has_committed(self, batch: Batch) -> bool:
        """Tell whether a batch was committed; to be asked before the next one is (see ``Commits.have``)."""
        return self._commits.have(self._consumer, batch)

    def close(self) -> None:
        """Leave the group, within bounds."""
        self._memory.close()
        try:
            self._consumer.close(autocommit=False, timeout_ms=int(CLOSE_SECONDS * 1000))
        except KafkaError as error:
            logger.warning("the consumer would not close: %s", error)
