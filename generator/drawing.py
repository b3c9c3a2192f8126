"""Columns of random texts, many at a time: ids, accounts and amounts as they stand in JSON. Pure.

One call for each text costs ten times what the text does; so random bytes are drawn by the thousand and turned into
characters by the functions that Python has in C.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

ACCOUNT_CHARACTERS: Final = (string.ascii_letters + string.digits).encode()
ACCOUNT_LENGTH: Final = 12

_ID: Final = b"xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx"  # of RFC 9562: version 4, and a variant of two bits
_ID_DIGITS: Final = [place for place, letter in enumerate(_ID) if letter in b"xy"]
_VARIANT_AT: Final = _ID.index(b"y")
_VARIANTS: Final = bytes.maketrans(b"0123456789abcdef", b"89ab" * 4)

# As many of the 256 bytes for each character; those that are left over are drawn anew, or some came more often.
_EACH: Final = 256 // len(ACCOUNT_CHARACTERS)
_LEFT_OVER: Final = bytes(range(_EACH * len(ACCOUNT_CHARACTERS), 256))
_AS_CHARACTERS: Final = ACCOUNT_CHARACTERS * _EACH + bytes(len(_LEFT_OVER))


def ids(chance: Random, count: int) -> list[bytes]:
    """Return random UUIDs of version 4 in their canonical text."""
    width, digits = len(_ID), len(_ID_DIGITS)
    drawn = chance.randbytes((digits * count + 1) // 2).hex().encode()
    texts = bytearray(_ID * count)
    for number, place in enumerate(_ID_DIGITS):  # one digit of all ids at a time
        texts[place::width] = drawn[number : digits * count : digits]
    texts[_VARIANT_AT::width] = texts[_VARIANT_AT::width].translate(_VARIANTS)
    return _cut(bytes(texts), width)


def accounts(chance: Random, count: int) -> list[bytes]:
    """Return texts of 12 letters and digits, each of them equally likely."""
    wanted = ACCOUNT_LENGTH * count
    drawn = b""
    while len(drawn) < wanted:
        drawn += chance.randbytes(wanted - len(drawn)).translate(_AS_CHARACTERS, _LEFT_OVER)
    return _cut(drawn, ACCOUNT_LENGTH)


class Amounts:
    """Amounts from ``least`` to ``most``, both whole, with so many decimals; every step between is equally likely."""

    def __init__(self, least: int, most: int, decimals: int) -> None:
        self._steps = 10**decimals
        self._least = least * self._steps
        self._possible = (most - least) * self._steps + 1
        self._whole = [b"%d" % number for number in range(most + 1)]
        self._rest = [b".%0*d" % (decimals, number) for number in range(self._steps)] if decimals else [b""]

    def draw(self, chance: Random, count: int) -> list[bytes]:
        """Return amounts as JSON numbers, with all their decimals."""
        random, least, possible = chance.random, self._least, self._possible
        whole, rest, steps = self._whole, self._rest, self._steps
        drawn = [least + int(random() * possible) for _ in range(count)]
        return [whole[number // steps] + rest[number % steps] for number in drawn]


def _cut(text: bytes, width: int) -> list[bytes]:
    return [text[at : at + width] for at in range(0, len(text), width)]
