"""What is sent: transfers as the generator makes them, a few thousand of them over and over."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Final, NamedTuple

from bench.deployment import PARTITIONS
from generator.transactions import TransferSource
from pipeline.runtime.batches.partitioning import partitions_of

DISTINCT: Final = 2_000
SEED: Final = 20_261_122
BEFORE_ID: Final = b'{"transaction_id":"'
ID_LENGTH: Final = 36
TIME_DIGITS: Final = 19
_AFTER_MEMBER: Final = len('{"transaction_id"')


class Sample(NamedTuple):
    """A transaction, and the partition that its key belongs to."""

    partition: int
    key: bytes
    value: bytes


def samples(count: int = DISTINCT) -> list[Sample]:
    """Return so many transactions, the same ones every time."""
    source = TransferSource(random.Random(SEED), "EUR")  # noqa: S311 (made-up money)
    made = source.make(datetime.now(UTC), count)
    partitions = partitions_of([one.key for one in made], PARTITIONS)
    return [Sample(partition, one.key, one.value) for partition, one in zip(partitions, made, strict=True)]


def with_time(value: bytes, intended_ns: int, number: int) -> bytes:
    """Return a transaction whose id says when it should have been sent (nanoseconds, at most 19 digits)."""
    return b"%b%019d-%016d%b" % (BEFORE_ID, intended_ns, number, value[len(BEFORE_ID) + ID_LENGTH :])


def intended_ns(value: bytes) -> int:
    """Return when a transaction should have been sent, also where somebody wrote blanks into its JSON.

    Raises:
        ValueError: its id is not one of ours.

    """
    at = value.index(b'"', _AFTER_MEMBER) + 1
    return int(value[at : at + TIME_DIGITS])
