"""The quick way through a message: most hold the members of their dialect, each once, and nothing else.

msgspec checks such a message while it decodes it. Whatever is not so simple is left to the careful way, which also
knows what to say about it.
"""

from __future__ import annotations

from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Annotated, Final, Protocol, TypeVar

import msgspec

from pipeline.contracts.formats.reading import MAX_TEXT_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Callable

# A text as ``take_text`` takes it.
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT_CHARACTERS)]


class Plain(Protocol):
    """A msgspec Struct that forbids unknown fields and has the members of a dialect as its fields."""

    def colons(self) -> int:
        """Return how many colons a message has that holds each member which was found once, without an escape."""
        ...


P = TypeVar("P", bound=Plain)

_NOT_PLAIN: Final = (msgspec.DecodeError, UnicodeDecodeError, DecimalException, RecursionError)


def plain_reader(kind: type[P]) -> Callable[[bytes], P | None]:
    """Return a function that decodes a message, or returns None where it is not plain.

    The decoder passes over a member that is repeated. Every member has a colon, though: where there are no more colons
    than those of the members that were found, there is no other. A text could hold one of its own as an escape, and
    make up for one that is hidden; so there must be no escapes.
    """
    decode = msgspec.json.Decoder(kind, float_hook=Decimal).decode

    def read(value: bytes) -> P | None:
        try:
            found = decode(value)
        except _NOT_PLAIN:
            return None
        return found if value.count(b":") == found.colons() and b"\\" not in value else None

    return read
