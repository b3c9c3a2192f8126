"""What a format is, and how its members are taken out of a decoded object."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from pipeline.contracts.invalid import InvalidMessageError, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.contracts.coordinates import Coordinates
    from pipeline.contracts.messages import Transaction
    from pipeline.contracts.records import Record

MAX_TEXT_CHARACTERS: Final = 256

_MISSING: Final = object()


class Format(Protocol):
    """One JSON dialect."""

    name: ClassVar[str]

    def told(self) -> str:
        """Return all that decides how a message is read: where it is the same, so is what is made of a message."""
        ...

    def read(self, transaction_id: str, members: dict[str, object], timestamp_ms: int) -> Transaction:
        """Read a decoded object, whose ``members`` are consumed; what is left over becomes attributes.

        ``timestamp_ms`` is the record's time, for messages that carry none.

        Raises:
            InvalidMessageError: a member is missing, of another type, or outside its range.

        """
        ...

    def read_plain(self, record: Record, id_of: Callable[[Coordinates], str]) -> Transaction | None:
        """Read a record that holds nothing but the members of the format, or return None where it has to be decoded.

        ``id_of`` makes an id of an origin, for messages that carry none. What this returns is what :meth:`read` would.
        """
        ...


def take(members: dict[str, object], name: str) -> object:
    """Remove and return a member that must be there.

    Raises:
        InvalidMessageError: it is not.

    """
    value = members.pop(name, _MISSING)
    if value is _MISSING:
        raise InvalidMessageError(Reason.MISSING_MEMBER, f"member {name!r} is missing")
    return value


def take_text(members: dict[str, object], name: str) -> str:
    """Remove and return a member that must be a text of 1 to 256 characters.

    Raises:
        InvalidMessageError: it is missing, no string, empty, or longer.

    """
    value = members.pop(name, _MISSING)
    if type(value) is str and 0 < len(value) <= MAX_TEXT_CHARACTERS:  # as nearly always
        return value
    if value is _MISSING:
        raise InvalidMessageError(Reason.MISSING_MEMBER, f"member {name!r} is missing")
    if type(value) is not str:
        raise InvalidMessageError(Reason.WRONG_TYPE, f"member {name!r} is not a string")
    raise InvalidMessageError(Reason.INVALID_VALUE, f"member {name!r} has not 1 to {MAX_TEXT_CHARACTERS} characters")
