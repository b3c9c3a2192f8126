"""What stands before the key of a record: lengths and deltas, each a varint. Pure.

There are two ways, since what is quick for the interpreter is slow for a compiler and the other way round (see ADR 10).
"""

from __future__ import annotations

import re
from types import FunctionType
from typing import TYPE_CHECKING, Final

from pipeline.runtime.batches.varints import PATTERN, CorruptBatchError, decoded

if TYPE_CHECKING:
    from mypy_extensions import i64

COMPILED: Final = not isinstance(decoded, FunctionType)

# The head in one search: length, attributes (one byte, none are in use), time and offset, and the key's length. With
# four look-ups that takes the interpreter half the time of reading the numbers byte by byte.
HEAD: Final = re.compile(PATTERN + rb"." + PATTERN + PATTERN + PATTERN, re.DOTALL)


def head_at(buffer: bytes, at: i64) -> tuple[i64, i64, i64, i64, i64, i64]:
    """Read the head of the record that begins at ``at``, as compiled code does it.

    Return where the record ends, its time and offset as deltas, where the length of its key stands, that length, and
    where the key begins.

    Raises:
        CorruptBatchError: no head begins there.

    """
    length, at = decoded(buffer, at)
    if not 0 < length <= len(buffer):  # a sum of 64 bits would wrap
        raise CorruptBatchError(f"a record of {length} bytes at byte {at} of {len(buffer)}")
    end = at + length
    time_delta, at = decoded(buffer, at + 1)
    offset_delta, begin = decoded(buffer, at)
    key_size, at = decoded(buffer, begin)
    return end, time_delta, offset_delta, begin, key_size, at
