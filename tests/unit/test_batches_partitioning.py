"""The partition of a key: the one that kafka-python chooses, for any keys in any company."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import example, given
from hypothesis import strategies as st
from kafka.partitioner.default import DefaultPartitioner
from kafka.partitioner.default import murmur2 as hash_of_the_client

from pipeline.runtime.batches.partitioning import murmur2, partition_of, partitions_of

KEYS = st.lists(st.binary(max_size=40), max_size=30)
SAME_SIZE = st.integers(0, 40).flatmap(
    lambda size: st.tuples(st.just(size), st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=30))
)


@given(SAME_SIZE)
@example((12, [b"\xff" * 12, b"\0" * 12, b"\xff" * 12]))
@example((0, [b"", b""]))
def test_hashes_are_those_of_the_client(sized: tuple[int, list[bytes]]) -> None:
    """Side by side in one number, no key changes the hash of another."""
    size, keys = sized
    assert list(murmur2(keys, size)) == [hash_of_the_client(key) for key in keys]


@given(KEYS, st.integers(1, 200))
def test_partitions_are_those_that_the_client_chooses(keys: list[bytes], partitions: int) -> None:
    """Keys of all lengths at once, some of them more than once, in their order."""
    cluster = SimpleNamespace(
        topics=lambda: {"t"},
        partitions_for_topic=lambda _topic: set(range(partitions)),
        available_partitions_for_topic=lambda _topic: set(range(partitions)),
    )
    choose = DefaultPartitioner().partition
    assert [partition_of(key, partitions) for key in keys] == partitions_of(keys, partitions)
    assert partitions_of(keys, partitions) == [choose("t", key, key, None, None, cluster) for key in keys]
