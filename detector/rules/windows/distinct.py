"""Different values: told apart by 64-bit hashes, and estimated by the smallest of them where there are too many."""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from detector.rules.expressions.kinds import ARITHMETIC
from detector.rules.windows.numbers import decimal_of, scaled

if TYPE_CHECKING:
    from collections.abc import Iterable

SMALLEST: int = 256  # hashes that a pane keeps
_RANGE: Final = 1 << 64
_HALF: Final = 1 << 63


# Hashes of texts that were met: who pays pays the same ones again. As many as a megabyte or two hold.
HASHES: Final[dict[str, int]] = {}
MOST_HASHES: Final = 1 << 14
LONGEST: Final = 100  # characters of a text that is kept: whoever writes transactions chooses how long they are


def hashed(value: object) -> int:
    """Return the hash of a value, above -2^63 and below 2^63; values of one kind that are equal have the same."""
    if isinstance(value, Decimal):
        value = decimal_of(*scaled(value), 0).normalize(ARITHMETIC) if value else 0
    digest = blake2b(str(value).encode(errors="surrogatepass"), digest_size=8).digest()
    # The lowest number of all stands for no value.
    return max(int.from_bytes(digest, signed=True), 1 - _HALF)


def text_hash(text: str) -> int:
    """Return the hash of a text that is not among those that were met, and keep it there, unless it is long."""
    if len(text) > LONGEST:
        return hashed(text)
    if len(HASHES) >= MOST_HASHES:
        HASHES.clear()
    found = HASHES[text] = hashed(text)
    return found


def remember(held: set[int], value: int) -> None:
    """Add a hash to the smallest of a pane."""
    if value not in held:
        held.add(value)
        if len(held) > SMALLEST:
            held.remove(max(held))


def estimated(held: Iterable[set[int]], seen: Iterable[int]) -> int:
    """Return how many different values there are in panes and beside them.

    Exact where no pane is full. Else the k-minimum-values estimate of the whole, its relative error 1 / sqrt(k - 2).
    """
    panes = list(held)
    union = set(seen).union(*panes)
    if all(len(pane) < SMALLEST for pane in panes):
        return len(union)
    largest = sorted(union)[SMALLEST - 1]
    return (SMALLEST - 1) * _RANGE // (largest + _HALF + 1)
