"""What rules of a file would remember, in bytes: an estimate before they are in force, by the formula of bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from detector.rules.windows.distinct import SMALLEST
from detector.rules.windows.panes import MOST
from detector.rules.windows.sizes import estimate, most_bytes
from detector.rules.windows.view import NEWEST

if TYPE_CHECKING:
    from detector.rules.ruleset import RuleSet

TYPICAL: Final = 10  # transactions in each series


class KeyMemory(msgspec.Struct, frozen=True):
    """What one value of a key takes: with ten transactions in each of its series, and at the most.

    ``stage`` is from 1; ``key`` are the names that it is made of.
    """

    stage: int
    key: tuple[str, ...]
    series: int
    typical_bytes: int
    most_bytes: int


class Memory(msgspec.Struct, frozen=True):
    """What a number of values of each key takes together, and for how many a bound has room; None without a bound."""

    by_key: list[KeyMemory]
    values: int
    typical_bytes: int
    bound_bytes: int
    room_for_values: int | None


def memory_of(rules: RuleSet, values: int, bound: int) -> Memory | None:
    """Return what rules remember of so many values of each key; None where they look at no history.

    ``bound`` is in bytes, 0 for none. It is shared out evenly over the partitions of all stages that remember anything:
    what is told of it holds where these have about as much to remember.
    """
    by_key = [
        KeyMemory(number, key.names, len(key.views), estimate(key, TYPICAL), most_bytes(key, NEWEST, MOST, SMALLEST))
        for number, stage in enumerate(rules.stages, 1)
        for key in stage.plan.keys
    ]
    if not by_key:
        return None
    stages = {one.stage: sum(other.typical_bytes for other in by_key if other.stage == one.stage) for one in by_key}
    room = min(bound // len(stages) // one for one in stages.values()) if bound else None
    return Memory(by_key, values, values * sum(one.typical_bytes for one in by_key), bound, room)


def told(memory: Memory) -> list[str]:
    """Return it in lines for people."""
    lines = [
        f"remembers by {', '.join(one.key)} (stage {one.stage}): {one.series} series; a value takes "
        f"{one.typical_bytes:,} bytes with {TYPICAL} transactions in each, {one.most_bytes:,} at the most"
        for one in memory.by_key
    ]
    room = "" if memory.room_for_values is None else f", which has room for some {memory.room_for_values:,}"
    bound = f"STATE_MAX_BYTES is {memory.bound_bytes:,}" if memory.bound_bytes else "STATE_MAX_BYTES sets no bound"
    lines.append(f"{memory.values:,} values of each would take {memory.typical_bytes:,} bytes; {bound}{room}")
    return lines
