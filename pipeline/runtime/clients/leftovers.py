"""Transactions that their coordinator has ended and a partition still holds open: found, and ended there as well.

A broker of Kafka 4.0 to 4.3 that starts again takes a partition without a leader for one that was deleted, and leaves
out the marker that ends a transaction there (KAFKA-20734). Readers then stop before it for ever; worse, the next
transaction of the same producer ends it too, and what was aborted becomes visible: we saw records written twice.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing, suppress
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from kafka.admin import KafkaAdminClient
from kafka.errors import AuthorizationError, TransactionalIdNotFoundError, for_code
from kafka.protocol.producer.transaction import WriteTxnMarkersRequest
from kafka.structs import TopicPartition

from pipeline.errors import EXIT_UNAVAILABLE, PipelineError
from pipeline.runtime.clients.connection import KafkaError, connect

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings

logger = logging.getLogger(__name__)

UNDER_WAY: Final = "Ongoing"
BEING_ENDED: Final = frozenset({"PrepareCommit", "PrepareAbort", "PrepareEpochFence"})
# How a transaction ended that is over. Who initialises an id ends what it left before: what is open then was aborted.
ENDED: Final = {"CompleteCommit": True, "CompleteAbort": False, "Empty": False}
OFFSETS_TOPIC: Final = "__consumer_offsets"
REQUEST_MS: Final = 10_000
SECOND_LOOK_SECONDS: Final = 0.2


class HangingTransactionError(PipelineError):
    """A partition holds a transaction open that is over, and we may not end it there."""

    exit_code = EXIT_UNAVAILABLE


class Open(NamedTuple):
    """A transaction that a partition holds open since ``start``, the offset of its first record."""

    place: TopicPartition
    producer_id: int
    epoch: int
    coordinator_epoch: int
    start: int


class Leftovers:
    """Ends what a cluster that came back has left open in the partitions that a service writes to.

    ``family`` is what the transactional ids of all replicas of the service begin with: only theirs are touched.
    ``unclear`` says whether the last look met a transaction that was neither short nor over: look again when it is.
    """

    def __init__(
        self, settings: KafkaSettings, transactional_id: str, family: str, group: str, written: Iterable[TopicFacts]
    ) -> None:
        self._settings = settings
        self._own = transactional_id
        self._family = family
        self._group = group
        self._written = sorted(TopicPartition(facts.name, n) for facts in written for n in range(facts.partitions))
        self._warned: set[str] = set()
        self.unclear = False

    def before(
        self, producer_ids: Collection[int], starts: Mapping[TopicPartition, int], *, offsets_sent: bool
    ) -> None:
        """End what our last transaction left open, before the id is initialised anew.

        Then nobody could tell any more how it ended, and where another is open, which is aborted by that, it would be
        aborted with it. ``starts`` are the first offsets of the last transaction that was answered as committed, by
        partition, and ``offsets_sent`` says whether the open one has come to its offsets.

        Raises:
            HangingTransactionError: something is open, and we lack the right to write markers.
            KafkaError: the cluster did not answer, or is still at it.

        """
        with closing(self._admin()) as admin:
            state = self._state(admin, self._own)
            if state == UNDER_WAY:
                # A commit that we gave up waiting for may still be in the queue of a broker that hung.
                time.sleep(SECOND_LOOK_SECONDS)
                state = self._state(admin, self._own)
            if state in BEING_ENDED:
                raise KafkaError(f"the coordinator is still ending the last transaction of {self._own}")
            for found in sorted(self._open(admin)):
                if found.producer_id not in producer_ids:
                    continue
                if state == UNDER_WAY:
                    of_last = starts.get(found.place) == found.start
                    if of_last or (starts and found.place.topic == OFFSETS_TOPIC and not offsets_sent):
                        self._write(admin, found, own=True, committed=True)
                elif state in ENDED:
                    self._write(admin, found, own=True, committed=ENDED[state])

    def after(self, own_ids: Collection[int]) -> int:
        """End what is open although its coordinator says that it is over; return how many partitions had something.

        ``own_ids`` are the producer ids of our transactional id, which must just have been initialised: what is open of
        them was aborted by that.

        Raises:
            HangingTransactionError: something of ours is open, and we lack the right to write markers.
            KafkaError: the cluster did not answer.

        """
        with closing(self._admin()) as admin:
            self.unclear = False
            seen = self._open(admin)
            if not seen:
                return 0
            ended = dict.fromkeys(own_ids, False)
            others = {found.producer_id for found in seen} - ended.keys()
            ended.update(self._ended_of(admin, others) if others else {})
            # What is still open after its coordinator called it over stays open.
            still = seen & self._open(admin)
            left = sorted(found for found in still if found.producer_id in ended)
            self.unclear = len(still) > len(left)
            for found in left:
                self._write(admin, found, own=found.producer_id in own_ids, committed=ended[found.producer_id])
        return len(left)

    def _ended_of(self, admin: KafkaAdminClient, producer_ids: set[int]) -> dict[int, bool]:
        """Return, of other replicas of ours whose last transaction is over, whether it was committed."""
        listed = admin.list_transactions(producer_id_filters=sorted(producer_ids))
        names = {one.transactional_id for many in listed.values() for one in many}
        ended = {}
        for name in sorted(names):
            if not name.startswith(self._family) or name == self._own:
                continue
            # The list is of every broker, also of one that is the coordinator no more: the coordinator itself decides.
            with suppress(TransactionalIdNotFoundError):
                found = admin.describe_transactions([name])[name]
                if found.producer_id in producer_ids and found.state.value in ENDED:
                    ended[found.producer_id] = ENDED[found.state.value]
        return ended

    @staticmethod
    def _state(admin: KafkaAdminClient, name: str) -> str:
        try:
            return str(admin.describe_transactions([name])[name].state.value)
        except TransactionalIdNotFoundError:
            return ""

    def _write(self, admin: KafkaAdminClient, found: Open, *, own: bool, committed: bool) -> None:
        """Write the marker that is missing."""
        told = (
            f"{found.place.topic}:{found.place.partition} held a transaction open since offset {found.start} that its "
            f"coordinator had {'committed' if committed else 'aborted'} (KAFKA-20734)"
        )
        try:
            admin._manager.run(_mark, admin, found, committed)  # noqa: SLF001 (the public way only aborts)
        except AuthorizationError as error:
            message = (
                f"{told}; we may not end it: grant us ClusterAction on the cluster and start again, "
                "or end it with Kafka's kafka-transactions tool"
            )
            if own:
                raise HangingTransactionError(message) from error
            logger.error(message)  # noqa: TRY400 (a sentence for people; it holds up readers, not us)
        else:
            logger.warning("%s; ended it there", told)

    def _open(self, admin: KafkaAdminClient) -> set[Open]:
        places = list(self._written)
        # A young cluster has no such topic yet.
        for offsets in admin.describe_topics([OFFSETS_TOPIC]):
            count = len(offsets["partitions"])
            places += [TopicPartition(OFFSETS_TOPIC, _java_hash(self._group) % count)] if count else []
        found: set[Open] = set()
        for topic, of_topic in groupby(places, lambda place: place.topic):
            try:
                found |= _open_in(admin, list(of_topic))
            except AuthorizationError:
                if topic not in self._warned:
                    self._warned.add(topic)
                    logger.warning("cannot look for transactions left open (KAFKA-20734): grant us READ on %s", topic)
        return found

    def _admin(self) -> KafkaAdminClient:
        return connect(KafkaAdminClient, self._settings, client_id=self._own, request_timeout_ms=REQUEST_MS)


def _open_in(admin: KafkaAdminClient, places: list[TopicPartition]) -> set[Open]:
    return {
        Open(
            place,
            one.producer_id,
            one.producer_epoch,
            max(0, one.coordinator_epoch),
            one.current_transaction_start_offset,
        )
        for place, state in admin.describe_producers(places).items()
        for one in state.active_producers
        if one.current_transaction_start_offset >= 0
    }


async def _mark(admin: KafkaAdminClient, found: Open, committed: bool) -> None:  # noqa: FBT001 (by position)
    marker = WriteTxnMarkersRequest.WritableTxnMarker
    place = found.place
    (leader,) = await admin._async_get_leader_for_partitions([place])  # noqa: SLF001
    request = WriteTxnMarkersRequest(
        markers=[
            marker(
                producer_id=found.producer_id,
                producer_epoch=found.epoch,
                transaction_result=committed,
                topics=[marker.WritableTxnMarkerTopic(name=place.topic, partition_indexes=[place.partition])],
                coordinator_epoch=found.coordinator_epoch,
            )
        ]
    )
    response = await admin._manager.send(request, node_id=leader)  # noqa: SLF001
    codes = [part.error_code for one in response.markers for topic in one.topics for part in topic.partitions]
    for code in filter(None, codes):
        raise for_code(code)(f"no marker for {place.topic}:{place.partition}")


def _java_hash(text: str) -> int:
    """Return what brokers choose the partition of a group's offsets by: the magnitude of Java's hash of its name."""
    value = 0
    for unit in memoryview(text.encode("utf-16-le")).cast("H"):
        value = (31 * value + unit) & 0xFFFFFFFF
    return min(value, 2**32 - value)
