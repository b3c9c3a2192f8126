"""Where a transaction entered the pipeline: the identity that everything written about it carries."""

from __future__ import annotations

from typing import NamedTuple, Self


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
            ValueError: the value is not two non-negative decimal numbers with a colon between them.

        """
        partition, colon, offset = (value or b"").partition(b":")
        if not (colon and partition.isdigit() and offset.isdigit() and len(offset) <= len(str(2**63))):
            message = f"not coordinates: {value!r}"
            raise ValueError(message)
        return cls(int(partition), int(offset))

    def __str__(self) -> str:
        """Return the same text as the header carries."""
        return f"{self.partition}:{self.offset}"
