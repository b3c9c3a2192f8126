"""Properties of the JSON reader, against the slow one of the standard library that has every member in sight."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.jsonobject import read_object

if TYPE_CHECKING:
    from collections.abc import Callable


class _RepeatedError(Exception):
    """A name stands twice in one object."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RepeatedError
    return members


def _no_number(_: str) -> NoReturn:
    raise ValueError


def oracle(value: bytes) -> object:
    """Decode strictly, with every member in sight.

    Raises:
        ValueError: it is no JSON in UTF-8.
        _RepeatedError: a name stands twice in one object.

    """
    return json.loads(value.decode("utf-8"), object_pairs_hook=_unique, parse_float=Decimal, parse_constant=_no_number)


def _escaped(name: str) -> str:
    units = name.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)) + '"'


BLANKS = st.text(" \t\r\n", max_size=2)
FEW_NAMES = st.sampled_from(["a", "b", "é", "😀", '":', " :", "\\", "", "\n:"])
_WRITERS: list[Callable[[str], str]] = [_escaped, json.dumps, lambda name: json.dumps(name, ensure_ascii=False)]
WRITINGS = st.sampled_from(_WRITERS)


def _written_name(names: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(names, WRITINGS).map(lambda drawn: drawn[1](drawn[0]))


def _object(values: st.SearchStrategy[str], names: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    member = st.tuples(_written_name(names), BLANKS, BLANKS, values, BLANKS).map(
        lambda drawn: f"{drawn[0]}{drawn[1]}:{drawn[2]}{drawn[3]}{drawn[4]}"
    )
    return st.tuples(BLANKS, st.lists(member, max_size=4)).map(lambda drawn: "{" + drawn[0] + ",".join(drawn[1]) + "}")


def _array(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.tuples(BLANKS, values, BLANKS).map("".join), max_size=3).map(
        lambda items: "[" + ",".join(items) + "]"
    )


SCALARS = st.one_of(
    st.sampled_from(["null", "true", "false", "0", "1.50", "-7", "1e5", "-2.5E-3"]),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(json.dumps),
    st.tuples(FEW_NAMES | st.text(max_size=5), WRITINGS).map(lambda drawn: drawn[1](drawn[0])),
)


def _documents(names: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    values = st.recursive(SCALARS, lambda inner: _object(inner, names) | _array(inner), max_leaves=10)
    return st.tuples(BLANKS, _object(values, names), BLANKS).map(lambda drawn: "".join(drawn).encode())


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=15,
)


@given(
    members=st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=6),
    comma=st.sampled_from([",", ", ", " ,\n"]),
    colon=st.sampled_from([":", ": ", " : ", "\t:", "\n:\t", "\r: "]),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 2]),
)
def test_whatever_the_json_module_writes_is_read_as_it_reads_it(
    *, members: dict[str, Any], comma: str, colon: str, ascii_only: bool, indent: int | None
) -> None:
    """Any object in any spacing and escaping decodes to the same members, in the same order, to the last digit."""
    value = json.dumps(members, separators=(comma, colon), ensure_ascii=ascii_only, indent=indent).encode()
    assert repr(read_object(value)) == repr(oracle(value))


def _expected(value: bytes) -> str:
    """Return what the oracle makes of a document: its members, or that one is repeated."""
    try:
        return repr(oracle(value))
    except _RepeatedError:
        return repr(Reason.REPEATED_MEMBER)


def _found(value: bytes) -> str:
    """Return what is made of a document: its members, or the reason why it is refused."""
    try:
        return repr(read_object(value))
    except InvalidMessageError as error:
        return repr(error.reason)


@given(_documents(FEW_NAMES))
@example(b'{"a":{"b":{"c":1}},"a":1}')
@example(b'{"a":"\\":\\":","b":{"a":1,"a":2}}')
def test_repeated_members_are_found_wherever_they_hide(value: bytes) -> None:
    """With few names, many escapes and blanks before colons, exactly the objects with a repetition are refused."""
    assert _found(value) == _expected(value)


@given(_documents(st.text(max_size=3)))
def test_documents_of_any_names_are_read_as_the_oracle_reads_them(value: bytes) -> None:
    """With names of any characters the two readers agree as well."""
    assert _found(value) == _expected(value)


@given(_documents(FEW_NAMES), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3), st.binary(max_size=3))))
def test_broken_documents_are_read_alike_or_refused_and_nothing_else(
    value: bytes, breaks: list[tuple[int, int, bytes]]
) -> None:
    """Bytes cut out and put in anywhere end in the oracle's object or in a reason, never in another error."""
    broken = bytearray(value)
    for position, removed, added in breaks:
        start = position % (len(broken) + 1)
        broken[start : start + removed] = added
    try:
        found = read_object(bytes(broken))
    except InvalidMessageError:
        return
    assert repr(found) == repr(oracle(bytes(broken)))


@given(st.binary(max_size=40))
def test_any_bytes_end_in_an_object_or_a_reason(value: bytes) -> None:
    """Noise is refused with a reason, whatever it is."""
    try:
        found: object = read_object(value)
    except InvalidMessageError as error:
        found = error.reason
    assert isinstance(found, dict | Reason)
