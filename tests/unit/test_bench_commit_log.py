"""What the benchmark makes of the log of commits: whose mark came, when, and whose never did."""

from __future__ import annotations

import struct
from typing import Any

from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBase, DefaultRecordBatchBuilder

from bench.commit_log import commits_in
from bench.commits import Commit, Place
from tests.unit.commit_records import key_of

GROUP = "bench.legit"
CONTROL = 0x20
ABORTED, COMMITTED = 0, 1
MS = 1_000_000


def batch(producer: int, at_ms: int, records: list[tuple[bytes, bytes | None]], *, control: bool = False) -> bytes:
    """Return a batch of a transaction of ``producer``, or of nobody's where that is -1."""
    builder = DefaultRecordBatchBuilder(2, 0, producer >= 0, producer, 0, 0, 10_000)
    for number, (key, value) in enumerate(records):
        builder.append(number, at_ms, key, value, [])
    written = builder.build()
    if control:
        written[DefaultRecordBase.ATTRIBUTES_OFFSET + 1] |= CONTROL
    return bytes(written)


def committed(producer: int, at_ms: int, offset: int, partition: int = 0) -> bytes:
    """Return a commit of one offset."""
    return batch(producer, at_ms, [(key_of(GROUP, "legit", partition), struct.pack(">hq", 3, offset))])


def mark(producer: int, at_ms: int, said: int = COMMITTED) -> bytes:
    """Return the mark at the end of a transaction."""
    return batch(producer, at_ms, [(struct.pack(">hh", 0, said), struct.pack(">hi", 0, 0))], control=True)


def batches(*written: bytes) -> list[Any]:
    """Return them as the client reads them."""
    records, found = MemoryRecords(b"".join(written)), []
    while (one := records.next_batch()) is not None:
        found.append(one)
    return found


def at(ms: int, offset: int, partition: int = 0) -> Commit:
    """Return a commit that counts from the end of a millisecond."""
    return Commit(Place(GROUP, "legit", partition), offset, (ms + 1) * MS)


def test_a_commit_counts_from_the_mark_of_its_transaction() -> None:
    """Not from when its offset was written; two producers do not take each other's."""
    begun = [committed(7, 100, 3), committed(8, 105, 9, partition=1), mark(7, 110), committed(7, 120, 5)]
    assert list(commits_in(batches(*begun))) == [at(110, 3)]
    log = batches(*begun, mark(7, 130), mark(8, 140))
    assert list(commits_in(log)) == [at(110, 3), at(130, 5), at(140, 9, partition=1)]


def test_what_was_aborted_is_no_commit() -> None:
    """Nor is it one when the same producer commits its next."""
    log = batches(committed(7, 100, 3), mark(7, 110, ABORTED), committed(7, 120, 4), mark(7, 130))
    assert list(commits_in(log)) == [at(130, 4)]


def test_a_commit_without_a_transaction_counts_at_once() -> None:
    """Members of groups stand in the same log, and offsets that are no more."""
    member = struct.pack(">hh", 2, 1) + b"g"
    log = batches(
        batch(
            -1,
            100,
            [(key_of(GROUP, "legit", 0), struct.pack(">hq", 3, 8)), (member, b"m"), (key_of(GROUP, "legit", 1), None)],
        )
    )
    assert list(commits_in(log)) == [at(100, 8)]
