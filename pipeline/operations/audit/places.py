"""Sets of places in a topic: a compressed bitmap a partition, some bytes a thousand offsets. Pure."""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Final

from pyroaring import BitMap64

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_EXAMPLES: Final = 10

Places = defaultdict[int, BitMap64]


def no_places() -> Places:
    """Return an empty set."""
    return defaultdict(BitMap64)


def size(places: Places) -> int:
    """Return how many places there are."""
    return sum(map(len, places.values()))


def union(one: Places, *others: Places) -> Places:
    """Return the places that are in any of the sets."""
    found = no_places()
    for places in (one, *others):
        for partition, offsets in places.items():
            found[partition] |= offsets
    return found


def both(one: Places, other: Places) -> Places:
    """Return the places that are in both."""
    common = no_places()
    for partition in one.keys() & other.keys():
        common[partition] = one[partition] & other[partition]
    return common


def without(one: Places, other: Places) -> Places:
    """Return the places of ``one`` that are not in ``other``."""
    left = no_places()
    for partition, offsets in one.items():
        left[partition] = offsets - other[partition] if partition in other else offsets.copy()
    return left


def between(places: Places, starts: Mapping[int, int], ends: Mapping[int, int]) -> Places:
    """Return the places from ``starts`` to below ``ends``, both by partition; without an end there are none."""
    found = no_places()
    for partition, offsets in places.items():
        if ends.get(partition, 0) > starts.get(partition, 0):
            window = BitMap64()
            window.add_range(starts.get(partition, 0), ends[partition])
            found[partition] = offsets & window
    return found


def first(places: Places, prefix: str = "") -> list[str]:
    """Return the first places as ``<prefix><partition>:<offset>``, no more than an example needs."""

    def all_places() -> Iterator[str]:
        for partition in sorted(places):
            yield from (f"{prefix}{partition}:{offset}" for offset in places[partition])

    return list(islice(all_places(), MAX_EXAMPLES))
