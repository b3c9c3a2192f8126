"""The scenarios: a fault, the Kafka it happens on, and how often it happens in a run of a given length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.chaos.faults import brokers, network, quorum, services, traffic

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.chaos.stage import Stage


@dataclass(frozen=True)
class Scenario:
    """One fault. ``play`` brings it about; its docstring is what people read of it.

    ``share`` times the length of a run (see ``CHAOS_KILLS``) is how often, at least once and at most ``most`` times.
    ``short`` ones are in the short form.
    """

    play: Callable[[Stage, int, Random], None]
    ground: str = "one node"
    share: float = 0.02
    most: int = 1_000_000
    short: bool = True
    fronted: bool = False

    @property
    def name(self) -> str:
        """Return its name for commands and tables."""
        return self.play.__name__.replace("_", "-")

    @property
    def told(self) -> str:
        """Return what happens, as a sentence."""
        return (self.play.__doc__ or "").strip().partition("\n")[0]

    def length(self, kills: int) -> int:
        """Return how often the fault happens in a run of so many kills."""
        return min(self.most, max(1, round(kills * self.share)))


SCENARIOS = (
    Scenario(services.killed_at_every_step, share=0.5),
    Scenario(services.killed_at_random, share=0.5),
    Scenario(services.replicas_come_and_go, share=0.1, short=False),
    Scenario(services.frozen_past_its_session, share=0.05),
    Scenario(services.frozen_at_every_step, share=0.05),
    Scenario(services.ended_at_random, share=0.1),
    Scenario(services.hanging_commit),
    Scenario(brokers.crashes, share=0.05),
    Scenario(brokers.power_fails, share=0.05, short=False),
    Scenario(brokers.restarts, short=False),
    Scenario(brokers.hangs, short=False),
    Scenario(network.slow_and_resetting, fronted=True, short=False),
    Scenario(network.mute, fronted=True, short=False),
    Scenario(network.partitioned),
    Scenario(traffic.poisoned, share=2_000, most=100_000),
    Scenario(traffic.partitions_are_added, most=2, short=False),
    Scenario(traffic.producer_ids_expire, ground="one node that forgets", short=False),
    Scenario(brokers.runs_out_of_room, ground="one node on a small disk", short=False),
    Scenario(quorum.too_few_replicas, ground="three nodes", short=False),
    Scenario(quorum.one_is_killed, ground="three nodes", share=0.06),
    Scenario(quorum.rolling_restart, ground="three nodes", short=False),
    Scenario(quorum.two_are_lost, ground="three nodes", short=False),
    Scenario(quorum.coordinators_move, ground="three nodes"),
)
