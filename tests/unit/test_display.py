"""Text made safe for a terminal, whoever wrote it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.display import MAX_CHARACTERS, printable
from tests.unit.samples import HOSTILE

ANY_TEXT = st.text(st.characters(), max_size=300) | st.text(
    st.sampled_from("a\n\r\t\x1b\x9b\x00\u202e\u2066\u200b\u2028\u2029\ud800\U000e0001\ue000é한"), max_size=300
)
FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
LONGEST_ESCAPE = 10  # \U0010ffff


@given(ANY_TEXT)
def test_whatever_comes_is_printable(text: str) -> None:
    """No control, formatting, bidirectional, private or half character is left, and no second line."""
    shown = printable(text)
    assert shown.isprintable()
    assert not {unicodedata.category(character) for character in shown} & FORBIDDEN
    assert len(shown.splitlines()) <= 1


@given(ANY_TEXT)
def test_whatever_comes_can_be_written(text: str) -> None:
    """A half character would end the writing of a whole batch of lines."""
    assert printable(text).encode().decode() == printable(text)


@given(ANY_TEXT, st.integers(0, 300))
def test_the_length_is_bounded(text: str, limit: int) -> None:
    """At most so many characters of the text are shown, each as itself or as an escape, and a mark where it is cut."""
    shown = printable(text, limit)
    assert len(shown) <= LONGEST_ESCAPE * limit + 1
    assert len(text) <= limit or shown.endswith("…")


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=MAX_CHARACTERS))
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    """Letters, digits, punctuation and symbols of all scripts are shown unchanged."""
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", "a b"),
        ("a\nb", "a\\nb"),
        ("a\r\tb", "a\\r\\tb"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202eevil", "\\u202eevil"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
        ("x" * 201, "x" * 200 + "…"),
    ],
)
def test_an_escape_is_the_one_of_python(text: str, shown: str) -> None:
    """A person can look up what stood there."""
    assert printable(text) == shown


def test_a_forged_line_stays_inside_its_own() -> None:
    """Everything at once that a terminal could be made to do is text."""
    assert printable(HOSTILE) == "\\x1b[2J\\r\\n[ALERT] forged\\u202e\\u2028\\x00\\x9b31m\\ud800"
