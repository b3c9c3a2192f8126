"""Lets a member that has begun to join its group go on with it at every poll, until it has a place.

A leader joins anew where it hears of new partitions, and kafka-python takes what it has assigned then for what it has
heard. If a poll ends after that and before the group's answer, nothing asks the next poll to go on: the member sends no
heartbeats, loses its partitions to others, and polls for ever without an error and without a record. With this, a join
that has begun is asked for until it is done.
"""

from __future__ import annotations

from typing import Any, Final

from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.structs import MemberState

need_rejoin_as_it_was: Final = ConsumerCoordinator.need_rejoin


def _need_rejoin(coordinator: Any) -> bool:  # noqa: ANN401 (a client without types)
    return coordinator.state is MemberState.REBALANCING or bool(need_rejoin_as_it_was(coordinator))


def install() -> None:
    """Let every member of this process join to the end; doing so again changes nothing."""
    ConsumerCoordinator.need_rejoin = _need_rejoin
