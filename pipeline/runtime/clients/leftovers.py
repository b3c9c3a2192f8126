"""Transactions that their coordinator has ended and a partition still holds open: found, and ended there as well.

A broker of Kafka 4.0 to 4.3 that starts again takes a partition without a leader for one that was deleted, and leaves
out the marker that ends a transaction there (KAFKA-20734). Readers then stop before it for ever; worse, the next
transaction of the same producer ends it too, and what was aborted becomes visible: we saw records written twice.
"""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

from kafka.admin import KafkaAdminClient
from kafka.errors import AuthorizationError, TransactionalIdNotFoundError, for_code
from kafka.protocol.producer.transaction import WriteTxnMarkersRequest
from kafka.structs import TopicPartition

from pipeline.errors import PipelineError
from pipeline.runtime.clients.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kafka.admin import TransactionListing

    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings

logger = logging.getLogger(__name__)

COMMITTED: Final = frozenset({"PrepareCommit", "CompleteCommit"})
ENDED: Final = frozenset({"CompleteCommit", "CompleteAbort"})
OFFSETS_TOPIC: Final = "__consumer_offsets"
REQUEST_MS: Final = 10_000


class HangingTransactionError(PipelineError):
    """A partition holds a transaction open that is over, and we may not end it there."""


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
    """

    def __init__(
        self, settings: KafkaSettings, transactional_id: str, family: str, group: str, written: Iterable[TopicFacts]
    ) -> None:
        self._settings = settings
        self._own = transactional_id
        self._family = family
        self._group = group
        self._written = sorted(TopicPartition(facts.name, n) for facts in written for n in range(facts.partitions))
        self._committed: bool | None = None

    def forget(self) -> None:
        """Begin anew: a transaction is about to be opened."""
        self._committed = None

    def ask(self) -> None:
        """Learn how our last transaction ends, before the id is initialised anew and nobody can tell any more.

        Raises:
            KafkaError: the coordinator did not answer.

        """
        if self._committed is not None:
            return
        with closing(self._admin()) as admin:
            try:
                described = admin.describe_transactions([self._own])
            except TransactionalIdNotFoundError:
                self._committed = False
            else:
                self._committed = described[self._own].state.value in COMMITTED

    def end(self) -> int:
        """End what is left open, by us or by replicas that are gone; return how many partitions had something.

        Our own id must just have been initialised: whatever is open of it is left over. Of other ids only those
        transactions are ended of which their coordinator says that they are.

        Raises:
            HangingTransactionError: something of ours is open, and we lack the right to write markers.
            KafkaError: the cluster did not answer.

        """
        with closing(self._admin()) as admin:
            seen = self._open(admin)
            if not seen:
                return 0
            ids = sorted({found.producer_id for found in seen})
            listed = [one for many in admin.list_transactions(producer_id_filters=ids).values() for one in many]
            ended_how = {one.producer_id: how for one in listed if (how := self._ended_how(one)) is not None}
            # What is still open after its coordinator called it ended stays open.
            left = sorted(one for one in seen & self._open(admin) if one.producer_id in ended_how)
            for found in left:
                own, committed = ended_how[found.producer_id]
                self._write(admin, found, own=own, committed=committed)
        return len(left)

    def _ended_how(self, listing: TransactionListing) -> tuple[bool, bool] | None:
        """Tell of a producer whether it is ours, and whether it has committed; None where it may be at work."""
        if listing.transactional_id == self._own:
            return True, bool(self._committed)
        if listing.transactional_id.startswith(self._family) and listing.state.value in ENDED:
            return False, listing.state.value in COMMITTED
        return None

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
                f"{told}; we may not end it: grant us ClusterAction on the cluster, or end it with Kafka's "
                "kafka-transactions tool, and start again"
            )
            if own:
                raise HangingTransactionError(message) from error
            logger.error(message)  # noqa: TRY400 (a sentence for people; it holds up readers, not us)
        else:
            logger.warning("%s; ended it there", told)

    def _open(self, admin: KafkaAdminClient) -> set[Open]:
        found = _open_in(admin, self._written)
        try:
            # A young cluster has no such topic yet.
            for offsets in admin.describe_topics([OFFSETS_TOPIC]):
                if offsets["partitions"]:
                    of_group = _java_hash(self._group) % len(offsets["partitions"])
                    found |= _open_in(admin, [TopicPartition(OFFSETS_TOPIC, of_group)])
        except AuthorizationError:
            logger.debug("may not look whether offsets of %s were left open", self._group)
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
