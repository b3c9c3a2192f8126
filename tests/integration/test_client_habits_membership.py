"""What a member does that has lost its place in the group, on a real Kafka.

A test named ``without_...`` takes the guard out and asserts the harm: when it fails, the client has mended the habit.
"""

from __future__ import annotations

from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.errors import NoOffsetForPartitionError
from kafka.protocol.consumer import SyncGroupRequest
from kafka.structs import MemberState, OffsetAndMetadata

from pipeline.contracts import topics
from pipeline.runtime.clients.abandoned_joins import need_rejoin_as_it_was
from pipeline.runtime.clients.connection import KafkaError
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually
from tests.support.parts import GOOD, group_of, input_of, member, next_batch, reading, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.runtime.transactional import Output
    from pipeline.runtime.transactional.batch import Batch
    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

RECORDS = 10
HANDLED = 7


def evict(pipeline: Deployment, consumer: Any) -> None:
    """Take a member out of the group, as its coordinator does when it does not hear of it."""
    gone = MemberToRemove(member_id=consumer.group_metadata().member_id)
    with closing(KafkaAdminClient(bootstrap_servers=pipeline.bootstrap)) as admin:
        admin.remove_group_members(group_of(pipeline), [gone])


@contextmanager
def evicted(pipeline: Deployment) -> Iterator[tuple[Any, Output, Batch]]:
    """Yield a member that has heard of its eviction, an output in a transaction, and the batch it had read before."""
    pipeline.put(*[GOOD] * RECORDS)
    with member(pipeline) as consumer, writing(pipeline) as output:
        batch = next_batch(reading(consumer))
        evict(pipeline, consumer)
        eventually(lambda: consumer.group_metadata().generation_id < 0, WITHIN, "the member to hear of it")
        output.begin(batch)
        yield consumer, output, batch


def test_an_evicted_member_commits_nothing(deploy: Callable[..., Deployment]) -> None:
    """Guard: the membership that ``Intake.poll`` takes directly behind the poll; brokers fence it."""
    pipeline = deploy()
    with evicted(pipeline) as (_, output, batch), pytest.raises(KafkaError, match="UnknownMemberId"):
        output.commit(batch)
    assert pipeline.committed("detector") == {}


def test_without_the_early_membership_an_evicted_member_commits(deploy: Callable[..., Deployment]) -> None:
    """Taken later, the membership of an evicted member is empty, and brokers accept offsets with that from anybody."""
    pipeline = deploy()
    with evicted(pipeline) as (consumer, output, batch):
        output.commit(replace(batch, membership=consumer.group_metadata()))
    # A commit is answered before the coordinator has it in its log.
    eventually(lambda: pipeline.committed("detector").get(0) == RECORDS, WITHIN, "the offsets of an evicted member")


def evict_in_a_stall(pipeline: Deployment, consumer: Any) -> None:
    """Let a member stall in a rebalance and be evicted; another one commits further meanwhile, and leaves.

    A member that hears of its eviction drops its positions by itself. One that next asks to rejoin keeps them.
    """
    with member(pipeline) as another:
        coordinator = consumer._coordinator  # noqa: SLF001 (nothing public tells)

        def asked_to_rejoin() -> bool:
            another.poll(timeout_ms=200)
            return bool(coordinator.need_rejoin())

        eventually(asked_to_rejoin, WITHIN, "the member to hear of the rebalance")
        # A process that is stopped sends no heartbeats.
        coordinator._disable_heartbeat()  # noqa: SLF001
        evict(pipeline, consumer)
        eventually(lambda: another.poll(timeout_ms=200), WITHIN, "the other member to read")
        another.commit({input_of(pipeline): OffsetAndMetadata(HANDLED)})


class _SlowSync:
    """In the place of a coordinator's connections: the last answer of a join takes longer than a poll."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)

    def send(self, request: Any, **how: Any) -> Any:
        """Send a request, after a pause where it is the last of a join."""
        return self._late(request, how) if isinstance(request, SyncGroupRequest) else self._manager.send(request, **how)

    async def _late(self, request: Any, how: dict[str, Any]) -> Any:
        await self._manager._net.sleep(1)  # noqa: SLF001 (there is no public way)
        return await self._manager.send(request, **how)


def poll_over_new_partitions(pipeline: Deployment, consumer: Any) -> Callable[[], bool]:
    """Return a poll of a leader, which hears of new partitions; it tells whether the member has a place with them."""

    def joined(partitions: int) -> bool:
        with suppress(NoOffsetForPartitionError):  # nothing is committed
            consumer.poll(timeout_ms=200)
        stable = consumer.group_metadata().state == MemberState.STABLE
        return stable and len(consumer.assignment()) == partitions

    eventually(lambda: joined(1), 60, "a place in the group")
    coordinator = consumer._coordinator  # noqa: SLF001 (there is no public way)
    coordinator._manager = _SlowSync(coordinator._manager)  # noqa: SLF001
    with closing(KafkaAdminClient(bootstrap_servers=pipeline.bootstrap)) as admin:
        admin.create_partitions({pipeline.name(topics.TRANSACTIONS): 2})
    return lambda: joined(2)


def test_a_leader_joins_anew_over_several_polls(deploy: Callable[..., Deployment]) -> None:
    """Guard: ``abandoned_joins``, which asks for a join that has begun until it is done."""
    pipeline = deploy(partitions=1)
    with member(pipeline) as consumer:
        eventually(poll_over_new_partitions(pipeline, consumer), 60, "a place with the new partition")


def test_without_the_guard_a_leader_joins_never(
    deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in no group any more, and no poll tries to change that."""
    monkeypatch.setattr(ConsumerCoordinator, "need_rejoin", need_rejoin_as_it_was)
    pipeline = deploy(partitions=1)
    with member(pipeline) as consumer:
        poll = poll_over_new_partitions(pipeline, consumer)
        coordinator = consumer._coordinator  # noqa: SLF001 (there is no public way)

        def given_up() -> bool:
            assert not poll()
            return coordinator.state is MemberState.REBALANCING and not coordinator.need_rejoin()

        eventually(given_up, 60, "a join that nobody asks for any more")
        with closing(KafkaAdminClient(bootstrap_servers=pipeline.bootstrap)) as admin:

            def members() -> int:
                assert not poll()
                return len(admin.describe_groups([group_of(pipeline)])[group_of(pipeline)]["members"])

            eventually(lambda: members() == 0, 60, "the coordinator to give up on it")
            assert not poll()


def first_offset(polled: dict[Any, list[Any]]) -> int:
    """Return the offset of the first record of a poll."""
    ((first, *_),) = polled.values()
    return int(first.offset)


def stalled(deploy: Callable[..., Deployment]) -> Deployment:
    """Return a pipeline of one partition whose input begins at a committed offset."""
    pipeline = deploy(partitions=1)
    pipeline.put(*[GOOD] * RECORDS)
    pipeline.commit_by_hand("detector", 0)
    return pipeline


def test_a_member_that_rejoins_begins_where_the_group_is(deploy: Callable[..., Deployment]) -> None:
    """Guard: ``Intake.poll``, which drops what was polled under another membership than the last and rewinds."""
    pipeline = stalled(deploy)
    with member(pipeline) as consumer:
        intake = reading(consumer)
        assert first_offset(next_batch(intake, 4).polled) == 0
        evict_in_a_stall(pipeline, consumer)
        assert first_offset(next_batch(intake).polled) == HANDLED


def test_without_the_rewind_a_member_that_rejoins_reads_what_is_handled(deploy: Callable[..., Deployment]) -> None:
    """The client keeps the positions of partitions that it gets again, and its new generation may commit them."""
    pipeline = stalled(deploy)
    with member(pipeline) as consumer:
        assert first_offset(eventually(lambda: consumer.poll(timeout_ms=200, max_records=4), WITHIN, "records")) == 0
        evict_in_a_stall(pipeline, consumer)
        assert first_offset(eventually(lambda: consumer.poll(timeout_ms=200), WITHIN, "records")) == 4
        assert consumer.group_metadata().generation_id > 0
        assert pipeline.committed("detector") == {0: HANDLED}
