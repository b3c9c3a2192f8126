"""A network that is slow, breaks connections, or swallows everything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from tests.chaos.stage import Stage

LATENCY_SECONDS = 0.2
RESETS = 0.05
SLOW_SECONDS = 20.0
# Longer than the delivery time-out of five seconds and the session of six.
MUTE_SECONDS = (8.0, 14.0)


def slow_and_resetting(stage: Stage, rounds: int, _chance: Random) -> None:
    """Delay everything by 200 ms each way and reset a connection at every twentieth chunk of bytes, for a while."""
    for _ in range(rounds):
        with stage.fault():
            stage.ground.proxy.latency, stage.ground.proxy.resets = LATENCY_SECONDS, RESETS
            stage.pause(SLOW_SECONDS)
            stage.ground.proxy.calm()


def mute(stage: Stage, rounds: int, chance: Random) -> None:
    """Let the broker accept every connection and never answer, for all services at once."""
    for _ in range(rounds):
        with stage.fault():
            stage.ground.proxy.silence()
            with stage.measured():
                stage.pause(chance.uniform(*MUTE_SECONDS))
            stage.ground.proxy.speak()


def partitioned(stage: Stage, rounds: int, chance: Random) -> None:
    """Cut one replica of each service off from the cluster until others have its partitions, and let it come back."""
    for service in ("detector", "legit_processor", "fraud_processor"):
        stage.spawn(service, variables={"KAFKA_BROKER_URL": stage.cluster.front_servers})
    stage.wait_until_joined()
    # In every partition there is output of what came in since: each has its share.
    joined = time.time()
    stage.wait_until_flowing(joined, joined)
    for _ in range(rounds):
        stage.pause(chance.uniform(1, 3))
        with stage.fault():
            stage.ground.proxy.silence()
            stage.pause(chance.uniform(*MUTE_SECONDS))
            stage.ground.proxy.speak()
