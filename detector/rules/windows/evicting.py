"""Which values of keys go when a partition has more than it may take: those that were used the longest ago.

All of it is a function of the log: what anything takes is counted (``sizes``), when it was used is where in the log
that was, and values go between two records, whatever batch these are in. What goes is all that was seen before one
place; so that place is all that there is to know of evictions, and what was seen before it counts as not there, whether
its room was given back already or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from detector.rules.windows.clock import UNSET
from detector.rules.windows.sizes import KEY_BYTES

if TYPE_CHECKING:
    from detector.rules.windows.kept import Kept, Partition
    from detector.rules.windows.series import Undo

FREED: Final = 8  # one part of so many: to look for the oldest at every record would cost more than the rules


def evict(held: Partition, known_us: int, undo: list[Undo]) -> None:
    """Let the values that were used the longest ago go until an eighth of what a partition may take is free.

    ``known_us`` is for how long values are known: what is forgotten already takes nothing from here on.
    """
    gone_us = max(held.evicted_us, held.newest_us - known_us)
    every = (kept for values in held.values for kept in values.values())
    live = sorted((kept.seen_us, kept.size + KEY_BYTES) for kept in every if kept.seen_us >= gone_us)
    left, place = sum(size for _, size in live), 0
    most = held.most - held.most // FREED
    # All that was seen with one record goes together.
    while left > most or (0 < place < len(live) and live[place][0] == live[place - 1][0]):
        left -= live[place][1]
        place += 1
    held.size = left
    if place:
        horizon_us = live[place][0] if place < len(live) else held.newest_us + 1
        held.evicted += place
        lose(held, horizon_us, gone_us, undo)
        if held.evictions is not None:
            held.evictions.append((held.newest_us, horizon_us))


def lose(held: Partition, horizon_us: int, gone_us: int, undo: list[Undo]) -> None:
    """Let all values go that were seen before a horizon; before ``gone_us`` they are gone already."""
    for every in held.values:
        for kept in every.values():
            if gone_us <= kept.seen_us < horizon_us:
                bucket = kept.bucket
                lost_us = _newest_of(kept)
                if lost_us > bucket.lost_us:
                    undo.append((bucket.lose, (bucket.lost_us,)))
                    bucket.lose(lost_us)
                bucket.changed = True
    held.evicted_us = horizon_us


def _newest_of(kept: Kept) -> int:
    """Return the greatest time that is known of a value: of its clock, or of a transaction that ran ahead of that."""
    lost_us, most_us = kept.doubt or (UNSET, None)
    found = max(kept.clock_us, lost_us, UNSET if most_us is None else most_us)
    for first in kept.series:
        series = first
        while series is not None:
            if len(series.times) > series.start and series.times[-1] > found:
                found = series.times[-1]
            series = series.other
    return found
