"""Values of keys of which some history may be gone, since the bound of memory evicted it.

Where a value begins in a bucket of which any was evicted, it may be one of those. How far that history went is known of
all of them together: no transaction and no clock was behind ``lost_us``. So what windows see that begin there or later
is whole. One thing more is needed: which clock the value would have. It is at least the one that it has now, and at
most one that began at ``lost_us``; once both are the same, they stay so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.rules.windows.clock import moved

if TYPE_CHECKING:
    from detector.rules.subject import Subject
    from detector.rules.windows.engine import Batch
    from detector.rules.windows.kept import Kept

# ``lost_us``, and the most that the clock may be; None where it is the one that is kept.
Doubt = tuple[int, int | None]


def begun_in_doubt(lost_us: int) -> Doubt:
    """Return the doubt of a value that begins where others were lost."""
    return lost_us, lost_us


def look(kept: Kept, subject: Subject, at: tuple[int, int, int], reach_us: int, batch: Batch) -> None:
    """Mark the transaction at hand as ``partial`` where it may lack history, and let go of a doubt that is over.

    ``at`` are its own time, its record's, and what its windows reach back from, by the clock that is kept; ``reach_us``
    is how far back any window of the key begins.
    """
    doubt = kept.doubt
    if doubt is None:
        return
    time_us, record_us, base_us = at
    lost_us, most_us = doubt
    lateness_us = batch.lateness_us
    if base_us - reach_us < lost_us or (most_us is not None and time_us < most_us - lateness_us):
        subject.partial = True
    if most_us is not None:
        most_us = moved(most_us, time_us, record_us, lateness_us)
        if most_us == kept.clock_us:
            most_us = None
    over = most_us is None and kept.clock_us - lateness_us - reach_us >= lost_us
    changed = None if over else (lost_us, most_us)
    if changed != doubt:
        kept.doubt = changed
        if not kept.is_new:  # else all of it goes when the batch is undone
            batch.undo.append((kept.believe, (doubt,)))
