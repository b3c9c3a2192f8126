"""What is kept of one partition of a log: values of keys with their series, in buckets that tell what has changed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol
from zlib import crc32

from detector.rules.expressions.kinds import US_PER
from detector.rules.windows.clock import UNSET
from detector.rules.windows.doubt import begun_in_doubt
from detector.rules.windows.sizes import KEY_BYTES, UNBOUNDED

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from detector.rules.windows.doubt import Doubt
    from detector.rules.windows.gate import Gate
    from detector.rules.windows.series import Series, Undo

BUCKETS: int = 512  # of a partition: a million keys are some 2,000 in each
# A value of which nothing came for so long, beyond what rules look back, is forgotten: all that is kept is bounded.
KNOWN_US: Final = US_PER["d"]


def bucket_of(value: object) -> int:
    """Return the bucket of a key's value: the same in every process, and for values that are equal."""
    return crc32(_bytes_of(value)) % BUCKETS


def _bytes_of(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode(errors="surrogatepass")
    if isinstance(value, tuple):
        return b"\0".join(map(_bytes_of, value))
    if isinstance(value, Decimal):
        sign, digits, exponent = value.as_tuple()
        text = "".join(map(str, digits)).lstrip("0")
        whole = text.rstrip("0")
        return f"{sign}{whole}e{int(exponent) + len(text) - len(whole)}".encode() if whole else b"0"
    return str(value).encode()


class Bucket:
    """Some of a partition's values, by the number of their key; whether any was taken in since it was packed last.

    ``lost_us`` is the greatest time that was known of any value that was evicted (see ``evicting``).
    """

    __slots__ = ("changed", "lost_us", "values")

    def __init__(self, keys: int) -> None:
        """Begin without a value."""
        self.changed = False
        self.lost_us = UNSET
        self.values: list[list[Hashable]] = [[] for _ in range(keys)]

    def lose(self, lost_us: int) -> None:
        """Note the greatest time of what was evicted."""
        self.lost_us = lost_us


class Kept:
    """What is kept of one value of a key: its clock, the clock at the begin of ``batch``, the last, and its series.

    ``seen_us`` is where the partition's records were when its last transaction came (see ``Partition``), ``size`` what
    its series take in bytes; ``before_us`` and ``before`` are the same at the begin of the batch. ``doubt`` is there
    where some of its history may have been evicted (see ``doubt``). It refers to its bucket, so that this costs one
    step to mark; a bucket refers to values alone, and never back.
    """

    __slots__ = (
        "batch", "before", "before_us", "bucket", "clock_us", "doubt", "seen_us", "series", "settled_us", "size",
    )  # fmt: skip

    def __init__(self, count: int, batch: int, bucket: Bucket) -> None:
        """Begin with so many series, none of which holds anything."""
        self.clock_us = self.settled_us = self.seen_us = self.before_us = UNSET
        self.size = self.before = 0
        self.doubt: Doubt | None = None if bucket.lost_us == UNSET else begun_in_doubt(bucket.lost_us)
        self.batch = batch
        self.bucket = bucket
        self.series: list[Series | None] = [None] * count

    @property
    def is_new(self) -> bool:
        """Tell whether it began in this batch, and goes with it."""
        return self.settled_us == UNSET

    def touch(self, batch: Touching) -> None:
        """Note how it is at the begin of a batch, which is about to change it."""
        self.batch, self.settled_us, self.before_us = batch.number, self.clock_us, self.seen_us
        self.before, self.bucket.changed = self.size, True
        batch.touched.append(self)

    def restore(self) -> None:
        """Set it back to the begin of the batch."""
        self.clock_us, self.seen_us, self.size = self.settled_us, self.before_us, self.before

    def believe(self, doubt: Doubt | None) -> None:
        """Take over what may be missing of it."""
        self.doubt = doubt


class Touching(Protocol):
    """The batch that changes a value."""

    number: int
    touched: list[Kept]


class Begun(Protocol):
    """The batch in which a value begins."""

    number: int
    undo: list[Undo]


class Partition:
    """What is kept of a partition; ``series`` is how many series each key's values have.

    ``values`` are by the number of their key. ``newest_us`` is where its records are: the greatest of their times in
    Kafka, but at least a microsecond behind the record before, so that no two are at the same place. ``gate`` is there
    while what came behind snapshots is read again.

    ``size`` is what all of it takes in bytes, and ``most`` what it may take. What was seen before ``evicted_us`` is
    gone for that, and ``evicted`` are how many values that were, until they are asked for. ``evictions`` are those
    since a snapshot began: where the records were, and the new ``evicted_us``; None where none is under way.
    """

    __slots__ = (
        "_before", "_series", "buckets", "evicted", "evicted_us", "evictions", "gate", "most", "newest_us", "size",
        "values",
    )  # fmt: skip

    def __init__(self, series: Sequence[int], most: int = UNBOUNDED) -> None:
        """Begin with nothing."""
        self._series = series
        self.values: list[dict[Any, Kept]] = [{} for _ in series]
        self.buckets: dict[int, Bucket] = {}
        self.gate: Gate | None = None
        self.newest_us = self.evicted_us = UNSET
        self.size = self.evicted = 0
        self.most = most
        self.evictions: list[tuple[int, int]] | None = None
        self._before = (UNSET, UNSET, 0, 0)

    def begun(self, key: int, value: Hashable, batch: Begun) -> Kept:
        """Return what is kept of a value that was never seen; it goes when the batch is undone."""
        bucket = self.bucket(bucket_of(value))
        self.size += KEY_BYTES
        kept = self.values[key][value] = Kept(self._series[key], batch.number, bucket)
        bucket.changed = True
        bucket.values[key].append(value)
        batch.undo.append((self._forget, (key, value, bucket)))
        return kept

    def anew(self, key: int, value: Hashable, forgotten: Kept, batch: Begun) -> Kept:
        """Return what is kept of a value that was forgotten or evicted; undone, it is not."""
        self.size += KEY_BYTES
        kept = self.values[key][value] = Kept(self._series[key], batch.number, forgotten.bucket)
        forgotten.bucket.changed = True
        batch.undo.append((self.values[key].__setitem__, (value, forgotten)))
        return kept

    def sweep(self, number: int, gone_us: int) -> None:
        """Remove the values of a bucket that were seen before a time, and are forgotten; while nothing is staged."""
        for every, values in zip(self.values, self.buckets[number].values, strict=True):
            gone = {value for value in values if every[value].seen_us < gone_us}
            if gone:
                values[:] = [value for value in values if value not in gone]
                for value in gone:
                    del every[value]

    def take_evicted(self) -> int:
        """Return how many values were evicted since this was asked last; while nothing is staged."""
        found = self.evicted
        if found:
            self.evicted = 0
            self._before = (*self._before[:3], 0)
        return found

    def begin_at(self, newest_us: int, evicted_us: int) -> None:
        """Take over where the records are, and what is gone of those before; nothing of that is in any bucket."""
        self.newest_us, self.evicted_us = newest_us, evicted_us
        self._before = (newest_us, evicted_us, self.size, self.evicted)

    def settle(self) -> None:
        """Take for good where the records are and what it takes; what was evicted gives its room back."""
        if self.evicted_us != self._before[1]:
            for number in self.buckets:
                self.sweep(number, self.evicted_us)
        self._before = (self.newest_us, self.evicted_us, self.size, self.evicted)

    def restore(self) -> None:
        """Set that back to the begin of the batch."""
        self.newest_us, self.evicted_us, self.size, self.evicted = self._before
        if self.evictions:
            self.evictions = [one for one in self.evictions if one[0] <= self.newest_us]

    def bucket(self, number: int) -> Bucket:
        """Return a bucket, which is a new one where nothing was in it yet."""
        found = self.buckets.get(number)
        if found is None:
            found = self.buckets[number] = Bucket(len(self._series))
        return found

    def changed(self) -> list[int]:
        """Return the buckets in which anything may have changed since they were packed last."""
        return sorted(number for number, one in self.buckets.items() if one.changed)

    def mark(self, buckets: Iterable[int]) -> None:
        """Let buckets count as changed: what was packed of them is of no use."""
        for number in buckets:
            self.buckets[number].changed = True

    def _forget(self, key: int, value: Hashable, bucket: Bucket) -> None:
        del self.values[key][value]
        bucket.values[key].pop()
