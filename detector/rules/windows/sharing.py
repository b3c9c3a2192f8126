"""Texts that many transactions have, such as a country or a currency: one object for all, however often it was read."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, str]] = {}
MOST_TEXTS: Final = 1 << 14  # as many as a megabyte or two hold
LONGEST: Final = 100  # characters of a text that is shared: whoever writes transactions chooses how long they are


def shared(text: str) -> str:
    """Return the object that stands for a text; of those that are met from now on, this one, unless it is long."""
    if len(text) > LONGEST:
        return text
    if len(TEXTS) >= MOST_TEXTS:
        TEXTS.clear()
    return TEXTS.setdefault(text, text)
