"""What is committed with the offsets of a partition: the version by which it was judged last. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_WRITTEN: Final = re.compile(r"rules=([0-9a-f]{1,64})@([0-9]{1,18})")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """``offset`` is where the topic of rules says what is in force; it alone tells which of two is the later one.

    ``version`` is what was judged by, for people: the record there may be one that could not be read.
    """

    offset: int
    version: str

    def encode(self) -> str:
        """Return it as text."""
        return f"rules={self.version}@{self.offset}"


def mark_in(text: str) -> Mark | None:
    """Return the mark that stands in a text of whatever else, or None."""
    found = _WRITTEN.search(text)
    return None if found is None else Mark(int(found[2]), found[1])
