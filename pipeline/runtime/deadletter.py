"""Dead letters: a record that can't be handled, kept whole where it fits, with the reason and where it came from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.contracts import headers
from pipeline.contracts.display import printable

if TYPE_CHECKING:
    from pipeline.contracts.headers import Header
    from pipeline.contracts.invalid import InvalidMessageError
    from pipeline.contracts.records import Record

# What the broker counts beside key, value and headers: the batch header, lengths, deltas.
RECORD_OVERHEAD_BYTES: Final = 1024

KEPT_VALUE_BYTES: Final = 64 * 1024
KEPT_KEY_BYTES: Final = 1024
MAX_DETAIL_CHARACTERS: Final = 500


class Letter(NamedTuple):
    """A dead letter as it is written to the partition of the record it stands for."""

    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]


def size_of(key: bytes | None, value: bytes | None, record_headers: tuple[Header, ...]) -> int:
    """Return at most how many bytes a broker counts for a record that is sent uncompressed, alone in its batch."""
    named = sum(len(name) * 4 + len(content or b"") + 10 for name, content in record_headers) if record_headers else 0
    return len(key or b"") + len(value or b"") + named + RECORD_OVERHEAD_BYTES


def letter_of(record: Record, error: InvalidMessageError, service: str, limit: int) -> Letter:
    """Return the letter for a record; beyond ``limit`` bytes only its beginning is kept, with length and hash."""
    about: list[Header] = [
        (headers.REASON.name, error.reason.encode()),
        (headers.DETAIL.name, printable(error.detail, MAX_DETAIL_CHARACTERS).encode()),
        (headers.SOURCE.name, record.place.encode()),
        (headers.SERVICE.name, service.encode()),
    ]
    if record.origin is not None:
        about.insert(0, (headers.ORIGIN.name, record.origin.encode()))
    attempt = headers.find(record.headers, headers.ATTEMPT)
    if attempt is not None:
        about.append((headers.ATTEMPT.name, attempt))
    whole = (*headers.foreign(record.headers), *about)
    if size_of(record.key, record.value, whole) <= limit:
        # The client refuses a record with neither: a tombstone without a key is an empty letter, its reason tells.
        value = b"" if record.key is None and record.value is None else record.value
        return Letter(record.key, value, whole)
    value = record.value or b""
    about.append((headers.TRUNCATED.name, b"%d:%s" % (len(value), hashlib.sha256(value).hexdigest().encode())))
    key = None if record.key is None else record.key[:KEPT_KEY_BYTES]
    return Letter(key, value[:KEPT_VALUE_BYTES], tuple(about))
