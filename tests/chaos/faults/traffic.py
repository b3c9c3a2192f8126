"""What comes in, or does not: floods of rubbish, silence, and partitions that are added."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from kafka import KafkaAdminClient

from pipeline.contracts import topics
from tests.chaos.rubbish import rubbish
from tests.chaos.stage import PAYMENT

if TYPE_CHECKING:
    from random import Random

    from tests.chaos.stage import Stage

CHUNK = 1_000
# The breaker takes half of the last 10,000 for a wrong setting.
GOOD_FOR_EACH = 2
MORE = 2
NEW_ARE_SEEN_SECONDS = 12.0
# The brokers of this fault forget ids after two seconds, and look every second.
SILENT_SECONDS = 6.0


def poisoned(stage: Stage, count: int, chance: Random) -> None:
    """Send so many values that are no transactions, twice as many good ones between them."""
    good = [PAYMENT % method for method in (b"VISA", b"BITCOIN", b"MASTERCARD")]
    made = rubbish(chance)
    for begin in range(0, count, CHUNK):
        number = min(CHUNK, count - begin)
        values = [next(made) for _ in range(number)] + [chance.choice(good) for _ in range(GOOD_FOR_EACH * number)]
        chance.shuffle(values)
        stage.pipeline.put_many(values)
        stage.tend()
    stage.faults += count


def producer_ids_expire(stage: Stage, rounds: int, _chance: Random) -> None:
    """Let nothing come in until the brokers have forgotten every producer, and let it flow again."""
    (generator,) = stage.of("generator")
    for _ in range(rounds):
        with stage.fault(), stage.without_odd():
            generator.process.send_signal(signal.SIGSTOP)
            stage.pause(SILENT_SECONDS)
            generator.process.send_signal(signal.SIGCONT)


def partitions_are_added(stage: Stage, rounds: int, _chance: Random) -> None:
    """Add partitions to the input under load, and wait until all clients know of them."""
    admin = KafkaAdminClient(bootstrap_servers=stage.cluster.bootstrap_servers)
    name = stage.pipeline.name(topics.TRANSACTIONS)
    try:
        for number in range(1, rounds + 1):
            with stage.fault():
                admin.create_partitions({name: stage.pipeline.partitions + MORE * number})
                stage.pause(NEW_ARE_SEEN_SECONDS)
    finally:
        admin.close()
