"""Finds where in an output the outcomes of a stretch of input begin, without reading what comes before. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# A look fetches many records at once: narrowing it down further costs more than reading them.
CLOSE_ENOUGH: Final = 500


class Outcome(NamedTuple):
    """A record of an output: where it stands, and the offset of its origin in the input partition of that number."""

    offset: int
    origin: int


def begin_of(
    origin: int, start: int, end: int, look: Callable[[int], Outcome | None], close_enough: int = CLOSE_ENOUGH
) -> int:
    """Return an offset from ``start`` to ``end`` with no outcome of ``origin`` or later before it.

    At most ``close_enough`` offsets before the first of those, where outcomes stand in the order of their origins.
    ``look`` returns the first outcome at an offset or after it, None where there is none before ``end``.
    """
    low, high = start, end
    while high - low > close_enough:
        middle = (low + high) // 2
        found = look(middle)
        if found is None or found.origin >= origin:
            high = middle
        else:
            low = found.offset + 1
    return low
