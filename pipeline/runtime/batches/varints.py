"""Kafka's varints: signed numbers of 64 bits in zigzag order, seven bits a byte, the lowest first. Pure.

Zigzag makes small magnitudes small: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_extensions import i64

NULL: Final = -1  # as a length
MORE: Final = 0x80
SEVEN_BITS: Final = 0x7F
LAST_SHIFT: Final = 63  # of the tenth byte, which holds but one bit of a number of 64
POSITIVE: Final = 0x7FFF_FFFF_FFFF_FFFF


class CorruptBatchError(ValueError):
    """A record batch does not hold what its lengths say."""


def encoded(value: int) -> bytes:
    """Return a signed number of at most 64 bits as a varint."""
    rest = (value << 1) ^ (value >> 63)
    found = bytearray()
    while rest > SEVEN_BITS:
        found.append(MORE | (rest & SEVEN_BITS))
        rest >>= 7
    found.append(rest)
    return bytes(found)


def decoded(buffer: bytes, at: i64) -> tuple[i64, i64]:
    """Return the number that begins at ``at``, and where the next byte stands.

    Raises:
        CorruptBatchError: it does not end within the buffer, or within 64 bits.

    """
    # Where this is compiled a number of 64 bits may look negative; the mask undoes that, and nothing else.
    size: i64 = len(buffer)
    place: i64 = at
    shift: i64 = 0
    found: i64 = 0
    while shift <= LAST_SHIFT:
        if not 0 <= place < size:
            raise CorruptBatchError(f"a number at byte {at} does not end before the buffer does")
        byte: i64 = buffer[place]
        place += 1
        if byte < MORE:
            if shift == LAST_SHIFT and byte > 1:
                break
            found |= byte << shift
            return (found >> 1 & POSITIVE) ^ -(found & 1), place
        found |= (byte & SEVEN_BITS) << shift
        shift += 7
    raise CorruptBatchError(f"a number at byte {at} has more than 64 bits")


# Lengths and deltas are nearly always small: tables of all numbers of two bytes or less, both ways, are several times
# faster than counting bits.
SMALL: Final = tuple(encoded(number) for number in range(8_192))


class _Numbers(dict[bytes, int]):
    """Numbers by their bytes; what is not in the table is calculated."""

    def __missing__(self, written: bytes) -> int:
        return decoded(written, 0)[0]


NUMBERS: Final = _Numbers({encoded(number): number for number in range(-8_192, 8_192)})

# Finds the bytes of one number.
PATTERN: Final = rb"([\x80-\xff]{0,9}[\x00-\x7f])"


def quickly(value: int) -> bytes:
    """Return a number as a varint, from the table where it is in it."""
    return SMALL[value] if 0 <= value < len(SMALL) else encoded(value)
