"""What faults that come again and again have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from tests.chaos.stage import Stage


def at_random(stage: Stage, rounds: int, chance: Random, longest: float = 1.0) -> Iterator[int]:
    """Yield the number of each round within a fault that begins at a random moment, up to ``longest`` seconds on.

    What goes wrong in a round has to end the scenario: the fault is left open, as if it had not been healed.
    """
    for number in range(rounds):
        stage.pause(chance.uniform(0, longest))
        with stage.fault():
            yield number
