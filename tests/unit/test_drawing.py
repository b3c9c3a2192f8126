"""Columns of random texts: of the right form, whatever was drawn, and every choice as likely as any other."""

from __future__ import annotations

import uuid
from collections import Counter
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.drawing import ACCOUNT_CHARACTERS, Amounts, accounts, ids

SEEDS = st.integers(0, 2**64)
COUNTS = st.integers(0, 40)


class Fixed(Random):
    """A source of chance that always draws the same."""

    def __init__(self, drawn: float, byte: int = 0) -> None:
        super().__init__(0)
        self.drawn, self.byte = drawn, byte

    def random(self) -> float:
        """Return what it was made with."""
        return self.drawn

    def randbytes(self, n: int) -> bytes:
        """Return so many of the byte that it was made with."""
        return bytes([self.byte]) * n


def seeded(seed: int) -> Random:
    """Return a source of chance that is the same in every run."""
    return Random(seed)  # noqa: S311 (no secret)


@given(SEEDS, COUNTS)
def test_ids_are_random_uuids(seed: int, count: int) -> None:
    """As many as were asked for, in the canonical text of version 4."""
    made = ids(seeded(seed), count)
    assert len(made) == count
    for text in made:
        read = uuid.UUID(text.decode())
        assert str(read).encode() == text
        assert (read.version, read.variant) == (4, uuid.RFC_4122)


@pytest.mark.parametrize(
    ("byte", "text"), [(0, b"00000000-0000-4000-8000-000000000000"), (255, b"ffffffff-ffff-4fff-bfff-ffffffffffff")]
)
def test_all_of_an_ids_bits_are_drawn(byte: int, text: bytes) -> None:
    """But for the six that say which kind it is."""
    assert ids(Fixed(0, byte), 3) == [text] * 3


def test_every_digit_of_an_id_comes_about_as_often() -> None:
    """At each of its places: 16 of them, 4 where the variant stands, 1 where the version does."""
    made = ids(seeded(20_261_122), 16_000)
    for place, column in enumerate(zip(*made, strict=True)):
        counts = Counter(column)
        assert len(counts) == {8: 1, 13: 1, 14: 1, 18: 1, 19: 4, 23: 1}.get(place, 16)
        assert all(0.85 < count * len(counts) / len(made) < 1.15 for count in counts.values())


@given(SEEDS, COUNTS)
def test_accounts_are_letters_and_digits(seed: int, count: int) -> None:
    """As many as were asked for, twelve characters each."""
    made = accounts(seeded(seed), count)
    assert len(made) == count
    assert all(len(account) == 12 and account.isalnum() for account in made)


def test_every_character_of_an_account_comes_about_as_often() -> None:
    """The bytes that would favour some of them are drawn anew."""
    counts = Counter(b"".join(accounts(seeded(20_261_122), 60_000)))
    assert set(counts) == set(ACCOUNT_CHARACTERS)
    assert all(0.95 < count * 62 / 720_000 < 1.05 for count in counts.values())


@given(SEEDS, st.integers(0, 50), st.integers(0, 1_000), st.integers(0, 4))
def test_amounts_are_in_their_range_with_all_their_decimals(seed: int, least: int, more: int, decimals: int) -> None:
    """Written as a Decimal of the same value writes itself."""
    for text in Amounts(least, least + more, decimals).draw(seeded(seed), 5):
        amount = Decimal(text.decode())
        assert least <= amount <= least + more
        assert str(amount.quantize(Decimal(1).scaleb(-decimals))).encode() == text


def test_the_ends_of_the_range_are_reached() -> None:
    """Both 1.00 and 1000.00 can come, and nothing beyond them."""
    amounts = Amounts(1, 1000, 2)
    assert amounts.draw(Fixed(0.0), 1) == [b"1.00"]
    assert amounts.draw(Fixed(1 - 2**-53), 1) == [b"1000.00"]
