"""A lone broker that dies, is restarted, hangs, or has no room left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.faults.rounds import at_random
from tests.chaos.stage import ENDLESS

if TYPE_CHECKING:
    from random import Random

    from tests.chaos.stage import Stage

# Longer than the delivery time-out of five seconds, and than a session.
HANGS_SECONDS = 10.0
DOWN_SECONDS = 8.0
# Long enough that what a service does once, as it notices, weighs no more than it does in an outage.
AWAY_SECONDS = 30.0
ROOM_MIB = 1_024


def crashes(stage: Stage, rounds: int, chance: Random) -> None:
    """SIGKILL the broker under load and start it on its data, the first of several times after a while."""
    (node,) = stage.cluster.nodes
    for number in at_random(stage, rounds, chance):
        node.kill()
        if number == 0 and rounds > 1:
            with stage.measured():
                stage.pause(AWAY_SECONDS)
        node.start()


def power_fails(stage: Stage, rounds: int, chance: Random) -> None:
    """SIGKILL the broker and every service in the same moment, and start all of them again."""
    (node,) = stage.cluster.nodes
    for _ in at_random(stage, rounds, chance):
        node.kill()
        for replica in stage.of(*ENDLESS):
            stage.kill(replica)
        stage.pause(chance.uniform(0, DOWN_SECONDS))
        node.start()


def restarts(stage: Stage, rounds: int, chance: Random) -> None:
    """Stop the broker in order and start it again."""
    (node,) = stage.cluster.nodes
    for _ in at_random(stage, rounds, chance):
        node.stop()
        node.start()


def hangs(stage: Stage, rounds: int, chance: Random) -> None:
    """SIGSTOP the broker for longer than deliveries and sessions last."""
    (node,) = stage.cluster.nodes
    for _ in at_random(stage, rounds, chance):
        node.pause()
        with stage.measured():
            stage.pause(HANGS_SECONDS)
        node.resume()


def runs_out_of_room(stage: Stage, rounds: int, _chance: Random) -> None:
    """Fill the broker's disk under load until it gives up, make room, and start it on its data."""
    (node,) = stage.cluster.nodes
    disk = stage.ground.disk
    for _ in range(rounds):
        with stage.fault():
            disk.fill()
            stage.until(lambda: not node.running, 60.0, "the broker to give up on its disk")
            disk.empty()
            node.start()
