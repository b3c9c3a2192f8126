"""Where a transaction entered the pipeline: the identity that everything written about it carries."""

from __future__ import annotations

from typing import Final, NamedTuple, Self

MAX_PARTITION: Final = 2**31 - 1
MAX_OFFSET: Final = 2**63 - 1
_new: Final = tuple.__new__  # quicker than the class, and called for every record
MAX_CHARACTERS: Final = len(f"{MAX_PARTITION}:{MAX_OFFSET}")


class Coordinates(NamedTuple):
    """Partition and offset of a record in a topic; for the origin of a transaction, in the input topic."""

    partition: int
    offset: int

    def encode(self) -> bytes:
        """Return the header value: ``<partition>:<offset>`` in ASCII, as readable in a console consumer."""
        return b"%d:%d" % self

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """Read what :meth:`encode` wrote.

        Raises:
            ValueError: the value is not two decimal numbers with a colon between them, each within Kafka's range.

        """
        partition, colon, offset = (value or b"").partition(b":")
        if colon and partition.isdigit() and offset.isdigit() and len(value or b"") <= MAX_CHARACTERS:
            found: Self = _new(cls, (int(partition), int(offset)))
            if found.partition <= MAX_PARTITION and found.offset <= MAX_OFFSET:
                return found
        raise ValueError(f"not coordinates: {value!r}")

    def __str__(self) -> str:
        """Return the same text as the header carries."""
        return f"{self.partition}:{self.offset}"
