"""Versions of rules as they stand in their topic: what is written is read, and what is broken is told."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.rules.problems import RuleFileUnreadableError
from detector.rules.versions.body import at_work, body_of
from pipeline.contracts import rule_versions
from pipeline.contracts.rule_bodies import BrokenVersionError, RuleBody, decoded
from pipeline.contracts.rule_versions import CURRENT, Put, Shelf, entries_of

if TYPE_CHECKING:
    from pathlib import Path

BODY = RuleBody("r.yaml", "rules: [{id: a, when: amount >= LIMIT, currency: any}]", {}, {"LIMIT": Decimal("9.50")})
FIRST = Put(version="v1", author="ann", at="2026-11-22T10:00:00Z", reason="first")
SECOND = Put(version="v2", author="bob", at="2026-11-22T11:00:00Z", previous="v1")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
constants = st.one_of(
    st.booleans(),
    texts,
    st.decimals(allow_nan=False, allow_infinity=False),
    st.frozensets(texts, max_size=3),
    st.frozensets(st.decimals(-1000, 1000, places=2), min_size=1, max_size=3),
)


@given(texts, texts, st.dictionaries(texts, texts, max_size=3), st.dictionaries(texts, constants, max_size=4))
def test_a_body_is_read_as_it_was_written(
    name: str, text: str, files: dict[str, str], variables: dict[str, object]
) -> None:
    """Every kind of variable, and the same bytes for the same content."""
    body = RuleBody(name, text, files, variables)  # type: ignore[arg-type]
    assert decoded(body.encoded()) == body
    assert decoded(body.encoded()).encoded() == body.encoded()


@given(st.binary(max_size=60))
def test_other_bytes_are_told(encoded: bytes) -> None:
    """And nothing else happens."""
    with pytest.raises(BrokenVersionError):
        decoded(b"x" + encoded)


def test_a_file_becomes_a_body_with_all_that_it_needs(tmp_path: Path) -> None:
    """The files of its lists and its variables; it loads to the same version wherever it is."""
    path = tmp_path / "mine.yaml"
    path.write_text("lists: [{id: s, type: deny, on: source, file: s.csv}]\nrules: [{id: a, when: 'LIMIT > 1'}]")
    (tmp_path / "s.csv").write_text("A1\n")
    body, rules = body_of(path, {"LIMIT": Decimal(3)})
    assert (body.name, body.files, body.variables) == ("mine.yaml", {"s.csv": "A1\n"}, {"LIMIT": Decimal(3)})
    assert at_work(decoded(body.encoded())).version == rules.version


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """As for a detector that reads it."""
    with pytest.raises(RuleFileUnreadableError, match="No such file"):
        body_of(tmp_path / "none.yaml", {})


def shelf_of(*pushes: tuple[Put, RuleBody | None]) -> Shelf:
    """Return a shelf on which versions were put one after the other."""
    shelf = Shelf()
    entries = [entry for put, body in pushes for entry in entries_of(put, body)]
    for offset, entry in enumerate(entries):
        shelf.take(*entry, offset)
    return shelf


def test_what_is_in_force_is_what_was_put_last() -> None:
    """With who, when and why, and what was before."""
    assert Shelf().current() is None
    shelf = shelf_of((FIRST, BODY), (SECOND, BODY))
    assert shelf.current() == SECOND
    assert [(one.put, one.current) for one in shelf.listed()] == [(FIRST, False), (SECOND, True)]
    assert shelf.body("v1") == BODY


def test_going_back_needs_no_body() -> None:
    """The version is there already, and keeps who brought it first."""
    back = Put(version="v1", author="cyd", at="2026-11-22T12:00:00Z", previous="v2")
    shelf = shelf_of((FIRST, BODY), (SECOND, BODY), (back, None))
    assert shelf.current() == back
    assert [(one.put.author, one.current) for one in shelf.listed()] == [("ann", True), ("bob", False)]


def test_a_large_body_stands_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """None larger than a record may be; in whatever order compaction leaves them."""
    monkeypatch.setattr(rule_versions, "PART_BYTES", 50)
    entries = entries_of(FIRST, BODY)
    assert len(entries) > 4
    assert all(len(value) <= 50 for key, value in entries if key.count(b"/") == 2 and value is not None)
    random.Random(5).shuffle(entries)  # noqa: S311 (a test's order)
    shelf = Shelf()
    for entry in entries:
        shelf.take(*entry, 0)
    assert shelf.body("v1") == BODY


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        (b"version/v1/0", None, "its checksum differs"),
        (b"version/v1/0", b"{}", "its checksum differs"),
        (b"version/v1", None, "there is no version v1"),
        (b"version/v1", b"{", "version v1 cannot be read"),
    ],
)
def test_a_version_that_is_broken_is_told(key: bytes, value: bytes | None, told: str) -> None:
    """It is never at_work by half."""
    shelf = shelf_of((FIRST, BODY))
    shelf.take(key, value, 9)
    with pytest.raises(BrokenVersionError, match=told):
        shelf.body("v1")


def test_what_is_in_force_may_be_broken_too() -> None:
    """It is told, and nothing is guessed."""
    shelf = shelf_of((FIRST, BODY))
    shelf.take(CURRENT, b'{"version": 5}', 9)
    with pytest.raises(BrokenVersionError, match="what is in force cannot be read"):
        shelf.current()
