"""JSON objects from outside, read strictly: what two readers could understand differently is refused.

Decoding is msgspec's, which knows no NaN, keeps every digit of a number and is quick. It lets a repeated member
name pass, though, and its limit of nesting depends on the stack, so both are decided here.
"""

from __future__ import annotations

import json
from decimal import Decimal, DecimalException
from typing import Final

import msgspec

from pipeline.contracts.invalid import InvalidMessageError, Reason

MAX_DEPTH: Final = 32
MAX_REPORTED_NAME: Final = 40
# As numbers: looking for one of those in bytes takes a tenth of what it takes to look for a text of one.
_TAB, _NEWLINE, _RETURN, _BLANK = b"\t\n\r "
_OBJECT, _ARRAY = b"{["

_decode = msgspec.json.Decoder(dict[str, object], float_hook=Decimal).decode


def read_object(value: bytes | None) -> dict[str, object]:
    """Decode one JSON object; numbers become int or Decimal.

    Raises:
        InvalidMessageError: absent, empty, not UTF-8, not JSON, not an object, too deep, or a member repeated.

    """
    if not value:
        if value is None:
            raise InvalidMessageError(Reason.TOMBSTONE, "the record has no value")
        raise InvalidMessageError(Reason.EMPTY, "the value is empty")
    try:
        members = _decode(value)
    except UnicodeDecodeError as error:
        raise InvalidMessageError(Reason.NOT_UTF8, f"not UTF-8: {error.reason}") from None
    except msgspec.ValidationError as error:
        # Either the document is no object, or a number in it is beyond any range.
        reason = Reason.NOT_AN_OBJECT if "Expected `object`" in str(error) else Reason.INVALID_JSON
        raise InvalidMessageError(reason, str(error)) from None
    except msgspec.DecodeError as error:
        raise InvalidMessageError(Reason.INVALID_JSON, str(error)) from None
    except DecimalException:
        raise InvalidMessageError(Reason.INVALID_JSON, "a number's exponent is beyond any range") from None
    except RecursionError:
        raise InvalidMessageError(Reason.TOO_DEEP, "nested too deeply") from None
    nested = _ARRAY in value or _OBJECT in value[1:]
    inner = value.count(b"{") - 1 + value.count(b"[") if nested else 0  # a bracket inside a string counts too
    if inner >= MAX_DEPTH:
        _check_depth(members)
    if _colons(value) != (_members(members) if inner else len(members)):
        _check_repeated(value)
    return members


def _colons(value: bytes) -> int:
    """Count what may be the colon of a member; one inside a string counts too, so this is an upper bound.

    The colon of a member stands behind a quotation mark or white space, which makes it cheap to find them all.
    """
    found = value.count(b'":')
    if _BLANK in value:
        found += value.count(b" :")
    if _TAB in value or _NEWLINE in value or _RETURN in value:  # seldom, and looking for one byte is quick
        found += value.count(b"\t:") + value.count(b"\n:") + value.count(b"\r:")
    return found


def _members(container: dict[str, object] | list[object]) -> int:
    """Count the distinct members in an object, those of nested objects included."""
    count, inner = (len(container), container.values()) if isinstance(container, dict) else (0, container)
    for item in inner:
        if isinstance(item, (dict, list)):
            count += _members(item)
    return count


def _check_depth(members: dict[str, object]) -> None:
    level: list[object] = [members]
    for _ in range(MAX_DEPTH):
        containers = [item for item in level if isinstance(item, (dict, list))]
        level = [inner for item in containers for inner in (item.values() if isinstance(item, dict) else item)]
    if any(isinstance(item, (dict, list)) for item in level):
        raise InvalidMessageError(Reason.TOO_DEEP, f"nested more than {MAX_DEPTH} levels deep")


def _check_repeated(value: bytes) -> None:
    """Decode once more, slowly, with every member in sight."""

    def unique(pairs: list[tuple[str, object]]) -> None:
        seen = set()
        for name, _ in pairs:
            if name in seen:
                raise InvalidMessageError(Reason.REPEATED_MEMBER, f"member {name[:MAX_REPORTED_NAME]!r} is repeated")
            seen.add(name)

    json.loads(value, object_pairs_hook=unique, parse_int=str, parse_float=str)
