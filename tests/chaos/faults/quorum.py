"""Three nodes that die, are restarted one by one, or hand their duties over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka import KafkaAdminClient, TopicPartition

from pipeline.contracts import topics

if TYPE_CHECKING:
    from random import Random

    from tests.chaos.stage import Stage

DOWN_SECONDS = 6.0
DUTIES = ("__transaction_state", "__consumer_offsets")
MOVES = 5
# Longer than the delivery time-out of five seconds.
SHORT_SECONDS = 9.0


def one_is_killed(stage: Stage, rounds: int, chance: Random) -> None:
    """SIGKILL one node after the other, leaders and coordinators with it; the others go on without it.

    Guard: ``BoundedProducer``; with the client's own waits without an end, the watchdog ends services here.
    """
    first = chance.randrange(len(stage.cluster.nodes))
    for number in range(first, first + rounds):
        node = stage.cluster.nodes[number % len(stage.cluster.nodes)]
        with stage.fault():
            node.kill()
        node.start()
        stage.wait_until_replicated()


def rolling_restart(stage: Stage, rounds: int, _chance: Random) -> None:
    """Restart all nodes in order, one after the other."""
    for _ in range(rounds):
        for node in stage.cluster.nodes:
            with stage.fault():
                node.stop()
                node.start()
            stage.wait_until_replicated()


def two_are_lost(stage: Stage, rounds: int, chance: Random) -> None:
    """SIGKILL two of the three nodes, so that nothing can be written, and start them again."""
    for _ in range(rounds):
        with stage.fault():
            lost = chance.sample(stage.cluster.nodes, 2)
            for node in lost:
                node.kill()
            stage.pause(DOWN_SECONDS)
            for node in lost:
                node.launch()
            stage.cluster.wait_until_serving()
        stage.wait_until_replicated()


def coordinators_move(stage: Stage, rounds: int, _chance: Random) -> None:
    """Move the coordinators of all transactions and groups from node to node while transactions commit."""
    admin = KafkaAdminClient(bootstrap_servers=stage.cluster.bootstrap_servers)
    try:
        for _ in range(rounds * MOVES):
            with stage.fault():
                for topic in admin.describe_topics(list(DUTIES)):
                    places = {
                        TopicPartition(topic["name"], part["partition_index"]): part["replica_nodes"]
                        for part in topic["partitions"]
                    }
                    admin.alter_partition_reassignments({p: nodes[1:] + nodes[:1] for p, nodes in places.items()})
                    admin.elect_leaders(0, {topic["name"]: [place.partition for place in places]}, raise_errors=False)
    finally:
        admin.close()


def too_few_replicas(stage: Stage, rounds: int, chance: Random) -> None:
    """Let a branch demand all three replicas while one is away: deliveries time out, and no connection breaks.

    Guards: the flush's deadline and the look at every future in ``Output.commit``.
    """
    for _ in range(rounds):
        node = chance.choice(stage.cluster.nodes)
        with stage.fault():
            node.kill()
        with stage.fault():
            stage.pipeline.set_config(topics.LEGIT, {"min.insync.replicas": "3"})
            stage.pause(SHORT_SECONDS)
            stage.pipeline.set_config(topics.LEGIT, {"min.insync.replicas": "2"})
        node.start()
        stage.wait_until_replicated()
