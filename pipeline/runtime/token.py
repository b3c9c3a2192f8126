"""What callers have to know."""

from __future__ import annotations

import hmac
from typing import Final

LEAST_CHARACTERS: Final = 16
_SCHEME: Final = "bearer "


def token(value: str) -> str:
    """Accept a token.

    Raises:
        ValueError: it is too short, or cannot stand in a header.

    """
    if len(value) < LEAST_CHARACTERS or not value.isascii() or not value.isprintable() or " " in value:
        message = f"{LEAST_CHARACTERS} printable characters of ASCII or more, without blanks"
        raise ValueError(message)
    return value


def knows(header: str | None, wanted: str) -> bool:
    """Tell whether a header ``Authorization`` has the token; how long that takes says nothing about it."""
    given = header or ""
    if not given.casefold().startswith(_SCHEME):
        return False
    return hmac.compare_digest(given[len(_SCHEME) :].encode(errors="surrogateescape"), wanted.encode())
