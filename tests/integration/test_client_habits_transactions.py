"""What a transactional producer carries from one transaction into the next, on a real Kafka.

A test named ``without_...`` takes the guard out and asserts the harm: when it fails, the client has mended the habit.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.contracts import topics
from pipeline.contracts.records import Outgoing, record_of
from pipeline.runtime.clients.connection import KafkaError, TransactionalNetClient
from pipeline.runtime.clients.producers import BoundedProducer
from pipeline.runtime.transactional import Output
from pipeline.runtime.transactional.batch import Batch
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually
from tests.support.parts import GOOD, input_of, member, next_batch, reading, writing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

LINGER_SECONDS = 5.0  # far more than it takes to send a record, on a busy machine as well


def batch_of(pipeline: Deployment) -> Batch:
    """Return what a member has read, once it has left the group."""
    with member(pipeline) as consumer:
        return next_batch(reading(consumer))


def committed_after_a_failure(pipeline: Deployment, recover: Callable[[Output], None]) -> dict[int, int]:
    """Return what is committed when a transaction over partition 0 has failed and the next, over 1, succeeds."""
    pipeline.put(GOOD, GOOD)
    outdated = batch_of(pipeline)
    with member(pipeline) as consumer, writing(pipeline) as output:
        batch = next_batch(reading(consumer))
        (raw, _) = batch.polled[input_of(pipeline, 0)]
        output.begin(outdated)
        with pytest.raises(KafkaError, match="UnknownMemberId"):
            output.commit(outdated)
        recover(output)
        assert pipeline.committed("detector") == {}
        other = Batch({input_of(pipeline, 1): [raw]}, batch.membership, batch.read)
        output.begin(other)
        output.commit(other)
    # A commit is answered before the coordinator has it in its log; of one transaction all offsets come at once.
    return eventually(lambda: pipeline.committed("detector"), WITHIN, "the offsets of the second transaction")


def test_offsets_of_a_failed_transaction_stay_out_of_the_next(deploy: Callable[..., Deployment]) -> None:
    """Guard: ``Output.replace_producer``, which the loop calls after any failure."""
    assert committed_after_a_failure(deploy(), Output.replace_producer) == {1: 1}


def test_without_a_new_producer_the_next_transaction_commits_them(deploy: Callable[..., Deployment]) -> None:
    """A producer that is used again after an abort commits offsets of a partition that another member may own."""
    assert committed_after_a_failure(deploy(), Output.abort) == {0: 2, 1: 1}


def seconds_to_send_after(pipeline: Deployment, commit: Callable[[Output, Batch], None]) -> float:
    """Return how long a record of a second transaction takes, when the first one was committed so."""
    pipeline.put(GOOD)
    producers: list[Any] = []

    def lingering() -> Any:
        producer = BoundedProducer(
            kafka_client=TransactionalNetClient,
            bootstrap_servers=pipeline.bootstrap,
            transactional_id=f"test-{pipeline.tag}",
            linger_ms=int(LINGER_SECONDS * 1000),
        )
        producer.init_transactions()
        producers.append(producer)
        return producer

    with member(pipeline) as consumer, writing(pipeline, lingering) as output:
        batch = next_batch(reading(consumer))
        (raw,) = batch.polled[input_of(pipeline)]
        output.begin(batch)
        output.write(record_of(raw, is_input=True), [Outgoing(topics.LEGIT)])
        commit(output, batch)
        output.begin(batch)
        began = time.monotonic()
        producers[0].send(pipeline.name(topics.LEGIT), GOOD, partition=0).get(timeout=60)
        seconds = time.monotonic() - began
        output.abort()
    return seconds


def commit_unflushed(output: Output, _: Batch) -> None:
    """Commit while the client still holds batches back."""
    output._producer.commit_transaction()  # noqa: SLF001 (past the guard)


def test_batches_are_gathered_after_a_commit(deploy: Callable[..., Deployment]) -> None:
    """Guard: the flush in ``Output.commit``; the producer lingers over a record as it is told to."""
    assert seconds_to_send_after(deploy(), Output.commit) >= LINGER_SECONDS


def test_without_the_flush_every_record_is_a_batch(deploy: Callable[..., Deployment]) -> None:
    """A commit that finds batches unsent begins a flush that never ends: nothing is gathered any more."""
    assert seconds_to_send_after(deploy(), commit_unflushed) < LINGER_SECONDS * 0.8
