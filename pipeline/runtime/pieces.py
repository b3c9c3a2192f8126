"""What a poll brings of a partition, in pieces: how many records, up to where, how large, and the records themselves.

A piece may hold records as bytes, and make them while somebody goes through them: few are alive at a time then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.contracts.records import Record

SAMPLED: Final = 16  # records of each piece


class Piece(Protocol):
    """Records of one partition, in their order; at least one. ``end`` is the offset behind the last of them."""

    @property
    def end(self) -> int:
        """Where reading goes on behind it."""
        ...

    def __len__(self) -> int:
        """Return the number of records."""
        ...

    def __iter__(self) -> Iterator[Record]:
        """Make the records, or go through those that are made.

        Raises:
            KafkaError: it does not hold what it should; what was yielded before is sound.

        """
        ...

    def size(self) -> int:
        """Return about how many bytes key and value of all records have."""
        ...

    def times_ms(self) -> tuple[int, int]:
        """Return the time stamps of the first record and of the last, or the latest, in milliseconds since 1970."""
        ...


class Made:
    """Records that are made already, or by ``make`` of each when it is its turn."""

    __slots__ = ("_make", "_records")

    def __init__(self, records: Sequence[Any], make: Callable[[Any], Record] | None = None) -> None:
        self._records = records
        self._make = make

    @property
    def end(self) -> int:
        """Where reading goes on; see :class:`Piece`."""
        return int(self._records[-1].offset) + 1

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        """Go through the records."""
        return iter(self._records) if self._make is None else map(self._make, self._records)

    def size(self) -> int:
        """Return about how many bytes key and value of all have, from a sample."""
        sampled = self._records[:: max(1, len(self._records) // SAMPLED)]
        sizes = (len(record.key or b"") + len(record.value or b"") for record in sampled)
        return sum(sizes) * len(self._records) // len(sampled)

    def times_ms(self) -> tuple[int, int]:
        """Return the time stamps of the first record and of the last."""
        ends = (self._records[0], self._records[-1])
        first, last = ends if self._make is None else map(self._make, ends)
        return first.timestamp_ms, last.timestamp_ms


def records_in_all(pieces: Sequence[Piece]) -> int:
    """Return how many records pieces have together."""
    return sum(map(len, pieces))
