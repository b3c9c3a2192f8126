"""What stands before the key of a record: lengths and deltas, each a varint. Pure.

There are two ways, since what is quick for the interpreter is slow for a compiler and the other way round (see ADR 10).
"""

from __future__ import annotations

import re
from types import FunctionType
from typing import TYPE_CHECKING, Final

from pipeline.runtime.batches.varints import NUMBERS, PATTERN, CorruptBatchError, decoded

if TYPE_CHECKING:
    from mypy_extensions import i64

# Length, attributes (one byte, none are in use), time and offset, and the key's length.
_HEAD: Final = re.compile(PATTERN + rb"." + PATTERN + PATTERN + PATTERN, re.DOTALL)
_match: Final = _HEAD.match
_numbers: Final = NUMBERS
_number_of: Final = NUMBERS.get
_COMPILED: Final = not isinstance(decoded, FunctionType)


def head_at(buffer: bytes, at: i64) -> tuple[i64, i64, i64, i64, i64, i64]:
    """Read the head of the record that begins at ``at``.

    Return where the record ends, its time and offset as deltas, where the length of its key stands, that length, and
    where the key begins.

    Raises:
        CorruptBatchError: no head begins there.

    """
    if _COMPILED:
        length, at = decoded(buffer, at)
        if not 0 < length <= len(buffer):  # a sum of 64 bits would wrap
            raise CorruptBatchError(f"a record of {length} bytes at byte {at} of {len(buffer)}")
        end = at + length
        time_delta, at = decoded(buffer, at + 1)
        offset_delta, begin = decoded(buffer, at)
        key_size, at = decoded(buffer, begin)
        return end, time_delta, offset_delta, begin, key_size, at
    # One search and four look-ups take half the time of reading the numbers byte by byte.
    found = _match(buffer, at)
    if found is None:
        raise CorruptBatchError(f"no record begins at byte {at} of {len(buffer)}")
    written_length, written_time, written_offset, key_length = found.groups()
    end = at + len(written_length) + _numbers[written_length]
    at = found.end()
    return end, _numbers[written_time], _numbers[written_offset], at - len(key_length), _numbers[key_length], at


def length_at(buffer: bytes, at: i64) -> tuple[i64, i64]:
    """Read the length of a value; return it, and where the next byte stands.

    Raises:
        CorruptBatchError: no number begins there.

    """
    if not _COMPILED:
        found = _number_of(buffer[at : at + 2])  # two bytes: 64 to 8,191, as nearly all are
        if found is not None:
            return found, at + 2
    return decoded(buffer, at)
