"""What callers have to know."""

from __future__ import annotations

import hmac
import unicodedata
from hashlib import sha256
from typing import Final

LEAST_CHARACTERS: Final = 16
LEAST_OF_PASSWORD: Final = 12
MOST_OF_PASSWORD: Final = 200
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


def password(value: str) -> str:
    """Accept a password, in any script.

    Raises:
        ValueError: it is too short, too long, or nobody can type it.

    """
    if not LEAST_OF_PASSWORD <= len(value) <= MOST_OF_PASSWORD or not value.isprintable():
        message = f"a password of {LEAST_OF_PASSWORD} to {MOST_OF_PASSWORD} printable characters"
        raise ValueError(message)
    return value


def same(given: str, wanted: str) -> bool:
    """Tell whether two secrets are the same, however their accents are written; how long that takes says nothing."""
    first, second = (
        sha256(unicodedata.normalize("NFC", one).encode(errors="surrogatepass")).digest() for one in (given, wanted)
    )
    return hmac.compare_digest(first, second)


def knows(header: str | None, wanted: str) -> bool:
    """Tell whether a header ``Authorization`` has the token; how long that takes says nothing about it."""
    given = header or ""
    if not given.casefold().startswith(_SCHEME):
        return False
    return hmac.compare_digest(given[len(_SCHEME) :].encode(errors="surrogateescape"), wanted.encode())
