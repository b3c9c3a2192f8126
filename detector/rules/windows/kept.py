"""What is kept of one partition of a log: values of keys with their series, in buckets that tell what has changed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol
from zlib import crc32

from detector.rules.expressions.kinds import US_PER, EvaluationError
from detector.rules.windows.clock import UNSET

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from detector.rules.windows.series import Series, Undo

BUCKETS: Final = 512  # of a partition: a million keys are some 2,000 in each
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
    """Some of a partition's values, by the number of their key; whether any was taken in since it was packed last."""

    __slots__ = ("changed", "values")

    def __init__(self, keys: int) -> None:
        """Begin without a value."""
        self.changed = False
        self.values: list[list[Hashable]] = [[] for _ in range(keys)]


class Kept:
    """What is kept of one value of a key: its clock, the clock at the begin of ``batch``, the last, and its series.

    ``seen_us`` is how far the partition's records were in time when its last transaction came; ``before_us`` the same
    at the begin of the batch. It refers to its bucket, so that this costs one step to mark; a bucket refers to values
    alone, and never back.
    """

    __slots__ = ("batch", "before_us", "bucket", "clock_us", "seen_us", "series", "settled_us")

    def __init__(self, count: int, batch: int, bucket: Bucket) -> None:
        """Begin with so many series, none of which holds anything."""
        self.clock_us = self.settled_us = self.seen_us = self.before_us = UNSET
        self.batch = batch
        self.bucket = bucket
        self.series: list[Series | None] = [None] * count

    @property
    def is_new(self) -> bool:
        """Tell whether it began in this batch, and goes with it."""
        return self.settled_us == UNSET

    def restore(self) -> None:
        """Set it back to the begin of the batch."""
        self.clock_us, self.seen_us = self.settled_us, self.before_us


class Begun(Protocol):
    """The batch in which a value begins."""

    number: int
    undo: list[Undo]


class Gate:
    """Which buckets know more of the log than others, while it is read again: ``opens`` has the offset behind that.

    ``offset`` is that of the record at hand. From ``until`` on all buckets take everything.
    """

    __slots__ = ("offset", "opens", "until")

    def __init__(self, opens: Mapping[int, int]) -> None:
        """Begin before the log."""
        self.opens = opens
        self.until = max(opens.values(), default=0)
        self.offset = 0

    def look(self, value: object) -> None:
        """Let a value of a key pass whose bucket does not know the record yet.

        Raises:
            EvaluationError: it does.

        """
        if self.offset < self.opens.get(bucket_of(value), 0):
            raise EvaluationError("known", "the snapshot of this key knows the transaction already")


class Partition:
    """What is kept of a partition; ``series`` is how many series each key's values have.

    ``values`` are by the number of their key. ``newest_us`` is the greatest time of its records in Kafka, ``before_us``
    that at the begin of the batch. ``gate`` is there while what came behind snapshots is read again.
    """

    __slots__ = ("_series", "before_us", "buckets", "gate", "newest_us", "values")

    def __init__(self, series: Sequence[int]) -> None:
        """Begin with nothing."""
        self._series = series
        self.values: list[dict[Any, Kept]] = [{} for _ in series]
        self.buckets: dict[int, Bucket] = {}
        self.gate: Gate | None = None
        self.newest_us = self.before_us = UNSET

    def begun(self, key: int, value: Hashable, batch: Begun) -> Kept:
        """Return what is kept of a value that was never seen; it goes when the batch is undone."""
        bucket = self.bucket(bucket_of(value))
        kept = self.values[key][value] = Kept(self._series[key], batch.number, bucket)
        bucket.changed = True
        bucket.values[key].append(value)
        batch.undo.append((self._forget, (key, value, bucket)))
        return kept

    def anew(self, key: int, value: Hashable, forgotten: Kept, batch: Begun) -> Kept:
        """Return what is kept of a value that was forgotten; undone, it is not."""
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

    def settle(self) -> None:
        """Take the time of the records for good."""
        self.before_us = self.newest_us

    def restore(self) -> None:
        """Set the time of the records back to the begin of the batch."""
        self.newest_us = self.before_us

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
