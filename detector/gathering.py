"""The key by which a transaction goes to a hop: all with the same value of a field or member go to one partition. Pure.

It looks at the message alone and not at how rules declare a member, which may change: the key may not.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from detector.rules.keys import GATHERED

if TYPE_CHECKING:
    from pipeline.contracts.messages import Transaction

LONGEST: Final = 200  # bytes

_FIELDS: Final = frozenset({"id", "target", "amount", "currency", "method"})


def hop_key(transaction: Transaction, name: str) -> bytes:
    """Return the key in the hop by a name; that of the account where the message has no such value.

    Numbers that are equal have the same key, however they are written. Objects and lists are no values. What is long is
    hashed: the record has to have room for it.
    """
    value = transaction.account if name in GATHERED else _value(transaction, name)
    told = _told(transaction.account if value is None else value)
    return told if len(told) <= LONGEST else blake2b(told, digest_size=16).hexdigest().encode()


def _value(transaction: Transaction, name: str) -> object:
    if name in _FIELDS:
        return getattr(transaction, name)
    if name == "timestamp":
        return transaction.timestamp.isoformat()
    found: object = transaction.attributes
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, str | bool | int | Decimal) else None


def _told(value: object) -> bytes:
    if isinstance(value, str):  # as nearly always
        return value.encode(errors="surrogatepass")
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, int | Decimal):
        # ``%`` and ``normalize`` would round, and a format without an exponent may be as long as a billion digits.
        sign, digits, exponent = Decimal(value).as_tuple()
        text = "".join(map(str, digits)).lstrip("0")
        plain = text.rstrip("0")
        scale = exponent + len(text) - len(plain) if isinstance(exponent, int) and plain else 0
        return f"{'-' if sign and plain else ''}{plain or 0}e{scale}".encode()
    return str(value).encode(errors="surrogatepass")
