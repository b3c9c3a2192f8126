"""Which partitions keys belong to: the same that kafka-python and Kafka's own client choose, many at a time. Pure.

The hash is MurmurHash2 of 32 bits, by Austin Appleby, with Kafka's seed. A large part of all that a new account costs,
where it is calculated key by key. Keys of one length take the same steps, though: here all of them stand side by side
in one long integer, 64 bits each (a lane), and every step is one operation on it. A product of two numbers of 32 bits
fits into its lane; what a shift to the right moves into the lane below is above its 32 bits, and masked away.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_SEED: Final = 0x9747B28C
_MIX: Final = 0x5BD1E995
_WORD: Final = 0xFFFFFFFF
_WORD_BYTES: Final = 4
_LANE_BYTES: Final = 8
_ONE: Final = (1).to_bytes(_LANE_BYTES, "little")
_POSITIVE: Final = 0x7FFFFFFF
_KEPT: Final = 16_384  # keys, of 200 bytes at most where they come from outside


def partitions_of(keys: Sequence[bytes], partitions: int) -> list[int]:
    """Return the number of the partition of every key, from 0 on, where there are so many."""
    by_size: dict[int, list[bytes]] = {}
    for key in dict.fromkeys(keys):
        by_size.setdefault(len(key), []).append(key)
    found: dict[bytes, int] = {}
    for size, same in by_size.items():
        found.update(zip(same, murmur2(same, size), strict=True))
    return [(found[key] & _POSITIVE) % partitions for key in keys]


@lru_cache(_KEPT)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the number of the partition of a key, from 0 on; the latest are remembered, since many come again."""
    return (_murmur2_of(key) & _POSITIVE) % partitions


def _murmur2_of(key: bytes) -> int:
    """Return the hash of one key, step by step: for one alone, the way of many takes several times as long."""
    tail_at = len(key) - len(key) % _WORD_BYTES
    mixed = _SEED ^ len(key)
    for at in range(0, tail_at, _WORD_BYTES):
        drawn = int.from_bytes(key[at : at + _WORD_BYTES], "little") * _MIX & _WORD
        mixed = mixed * _MIX & _WORD ^ (drawn ^ drawn >> 24) * _MIX & _WORD
    if tail_at < len(key):
        mixed = (mixed ^ int.from_bytes(key[tail_at:], "little")) * _MIX & _WORD
    mixed = (mixed ^ mixed >> 13) * _MIX & _WORD
    return mixed ^ mixed >> 15


def murmur2(keys: Sequence[bytes], size: int) -> Sequence[int]:
    """Return the hash of every key; all of them have this size, in bytes."""
    count, joined = len(keys), b"".join(keys)
    ones = int.from_bytes(_ONE * count, "little")
    words = ones * _WORD
    mixed = ones * (_SEED ^ size)
    tail_at = size - size % _WORD_BYTES
    for at in range(0, tail_at, _WORD_BYTES):
        drawn = _lanes(joined, at, _WORD_BYTES, size) * _MIX & words
        drawn = (drawn ^ drawn >> 24 & words) * _MIX & words
        mixed = mixed * _MIX & words ^ drawn
    if tail_at < size:
        mixed = (mixed ^ _lanes(joined, tail_at, size - tail_at, size)) * _MIX & words
    mixed = (mixed ^ mixed >> 13 & words) * _MIX & words
    mixed ^= mixed >> 15 & words
    return struct.unpack(f"<{count}Q", mixed.to_bytes(_LANE_BYTES * count, "little"))


def _lanes(joined: bytes, at: int, width: int, size: int) -> int:
    """Return up to four bytes of every key as numbers in lanes, those that begin at byte ``at`` of it."""
    lanes = bytearray(_LANE_BYTES * (len(joined) // size))
    for byte in range(width):
        lanes[byte::_LANE_BYTES] = joined[at + byte :: size]
    return int.from_bytes(lanes, "little")
