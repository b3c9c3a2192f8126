"""The quick way through a message: most hold the members of their dialect, each once, and nothing else.

msgspec checks such a message while it decodes it. Whatever is not so simple is left to the careful way, which also
knows what to say about it.
"""

from __future__ import annotations

from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

UNSET: Final = msgspec.UNSET

_COLON: Final = ord(":")
_BACKSLASH: Final = ord("\\")

P = TypeVar("P", bound=msgspec.Struct)

NOT_PLAIN: Final = (msgspec.DecodeError, UnicodeDecodeError, DecimalException, RecursionError)


def decoder(kind: type[P]) -> Callable[[bytes], P]:
    """Return a function that decodes a message into a Struct which forbids unknown fields; it raises ``NOT_PLAIN``."""
    return msgspec.json.Decoder(kind, float_hook=Decimal).decode


def is_plain(value: bytes, colons: int) -> bool:
    """Tell whether a message holds no member but those that were found, ``colons`` counting theirs.

    The decoder passes over a member that is repeated. Every member has a colon, though: where there are no more of them
    than the members have that were found, there is no other. A text could hold a colon as an escape, and make up for
    one that is hidden; so there must be no escapes.
    """
    return value.count(_COLON) == colons and _BACKSLASH not in value
