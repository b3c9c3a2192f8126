"""What tells one memory from another: what is kept, how it is cut into buckets, and how it is packed."""

from __future__ import annotations

import hashlib
import sys
from typing import Final

from detector.rules.windows.chunk import FORMAT
from detector.rules.windows.distinct import SMALLEST
from detector.rules.windows.evicting import FREED
from detector.rules.windows.kept import BUCKETS, KNOWN_US
from detector.rules.windows.panes import MOST, PARTS
from detector.rules.windows.sizes import FORMULA
from detector.rules.windows.view import NEWEST

SHAPE_CHARACTERS: Final = 16


def shape_of(asked: object) -> str:
    """Return the hash of what is ``asked`` of the past: texts, numbers, tuples, lists and the like, in a fixed order.

    Whoever has the same may take over what another has packed. Arrays are packed as this machine has them.
    """
    kept = (FORMAT, BUCKETS, KNOWN_US, NEWEST, PARTS, MOST, SMALLEST, FREED, *FORMULA, sys.byteorder)
    return hashlib.sha256(repr((kept, asked)).encode()).hexdigest()[:SHAPE_CHARACTERS]
