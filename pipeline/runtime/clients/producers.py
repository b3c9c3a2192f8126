"""Producers: one for transactions, one for the generator, and how either is brought to an end within bounds."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaConnectionError, KafkaTimeoutError

from pipeline.runtime.clients.connection import KafkaError, PatientNetClient, TransactionalNetClient, connect
from pipeline.runtime.clients.deadlines import (
    CLOSE_SECONDS,
    COORDINATOR_MS,
    DELIVERY_MS,
    MAX_BLOCK_MS,
    REQUEST_MS,
    TRANSACTION_MS,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.runtime.cluster_settings import KafkaSettings

logger = logging.getLogger(__name__)

# One batch of a partition is under way at a time, so the size of a batch bounds what a partition can take. It must
# stay below max.message.bytes: a batch that the client splits leaves its futures unresolved.
BATCH_BYTES: Final = 256 * 1024
REQUEST_BYTES: Final = 4 * 1024 * 1024
RETRY_BACKOFF_MS: Final = 20
FORCED_JOIN_SECONDS: Final = 5.0
# How often a wait looks whether a connection has broken: then there is nothing to wait for.
SLICE_SECONDS: Final = 0.1

# The generator may wait out a broker that restarts; what it has in hand is bounded elsewhere.
GENERATOR_DELIVERY_MS: Final = 120_000


class BoundedProducer(KafkaProducer):  # type: ignore[misc] # kafka-python has no types
    """Waits for the coordinator within a time, where the client would wait without an end.

    After a time-out the outcome is unknown: throw the producer away and let a new one of the same id decide.
    """

    announces_offsets = False  # it waits for their answer

    @property
    def disturbed(self) -> bool:
        """Tell whether a connection broke since it was made: what was committed last may not be ended everywhere."""
        return bool(self._sender._client.losses)  # noqa: SLF001 (there is no public way)

    @property
    def producer_ids(self) -> Collection[int]:
        """Return what brokers know our transactions by."""
        return {int(self._transaction_manager.producer_id_and_epoch.producer_id)}

    def flush(self, timeout: float | None = None) -> None:
        """Send what is in hand; raises KafkaError where that takes over ``timeout`` seconds, or cannot succeed."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = SLICE_SECONDS if deadline is None else deadline - time.monotonic()
            try:
                super().flush(timeout=max(0.0, min(SLICE_SECONDS, left)))
            except KafkaTimeoutError:
                if self.disturbed or (deadline is not None and time.monotonic() >= deadline):
                    raise
            else:
                return

    def send_offsets_to_transaction(self, offsets: Any, group_metadata: Any) -> None:  # noqa: ANN401 (no types)
        """Add offsets to the open transaction; raises KafkaError, also where it takes too long."""
        self._decide(self._transaction_manager.send_offsets_to_transaction(offsets, group_metadata), "taking offsets")

    def commit_transaction(self) -> None:
        """Commit the open transaction; raises KafkaError, also where it takes too long."""
        self._decide(self._transaction_manager.begin_commit(), "committing")

    def abort_transaction(self) -> None:
        """Abort the open transaction; raises KafkaError, also where it takes too long."""
        self._decide(self._transaction_manager.begin_abort(), "aborting")

    def _decide(self, result: Any, what: str) -> None:  # noqa: ANN401 (no types)
        self._sender.wakeup()
        deadline = time.monotonic() + COORDINATOR_MS / 1000
        while not result.wait(timeout_ms=SLICE_SECONDS * 1000):
            if self.disturbed:
                raise KafkaConnectionError(f"a connection broke, {what}")
            if time.monotonic() >= deadline:
                raise KafkaTimeoutError(f"the transaction coordinator did not answer in {COORDINATOR_MS} ms, {what}")


def transactional_producer(
    settings: KafkaSettings,
    transactional_id: str,
    largest_record: int,
    kind: type[BoundedProducer] = BoundedProducer,
) -> BoundedProducer:
    """Return a producer whose transactional id is initialised: what an earlier holder left open is decided.

    ``largest_record`` is in bytes.

    Raises:
        KafkaError: no broker answered, or the id could not be initialised in time.

    """
    producer = connect(
        kind,
        settings,
        client_id=transactional_id,
        kafka_client=TransactionalNetClient,
        transactional_id=transactional_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=20,
        batch_size=BATCH_BYTES,
        max_request_size=max(REQUEST_BYTES, largest_record),
        retry_backoff_ms=RETRY_BACKOFF_MS,
        request_timeout_ms=REQUEST_MS,
        delivery_timeout_ms=DELIVERY_MS,
        max_block_ms=COORDINATOR_MS,
        transaction_timeout_ms=TRANSACTION_MS,
    )
    try:
        producer.init_transactions()
    except BaseException:
        end_producer(producer, 0.0)
        raise
    return producer


def plain_producer(settings: KafkaSettings, client_id: str) -> KafkaProducer:
    """Return an idempotent producer that partitions by key.

    Raises:
        KafkaError: no broker answered.

    """
    return connect(
        KafkaProducer,
        settings,
        client_id=client_id,
        kafka_client=PatientNetClient,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        batch_size=BATCH_BYTES,
        max_request_size=REQUEST_BYTES,
        delivery_timeout_ms=GENERATOR_DELIVERY_MS,
        request_timeout_ms=REQUEST_MS,
        max_block_ms=MAX_BLOCK_MS,
    )


def end_producer(producer: Any, seconds: float = CLOSE_SECONDS) -> None:  # noqa: ANN401 (a client without types)
    """Close a producer within about ``seconds``; what it has not sent by then fails.

    ``close`` of kafka-python raises when it could not flush, and then leaves its thread running.
    """
    try:
        producer.close(timeout=seconds)
    except KafkaError as error:
        logger.debug("a producer would not close: %s", error)
        producer._sender.force_close()  # noqa: SLF001 (there is no public way)
        producer._sender.join(FORCED_JOIN_SECONDS)  # noqa: SLF001
        producer._closed = True  # noqa: SLF001
