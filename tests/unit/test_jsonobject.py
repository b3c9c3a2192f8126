"""Reading JSON objects strictly: each thing that two readers could understand differently, with its reason."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.jsonobject import MAX_DEPTH, read_object


def reason_of(value: bytes | None) -> Reason:
    """Return why a value is refused."""
    with pytest.raises(InvalidMessageError) as refused:
        read_object(value)
    return refused.value.reason


def test_an_absent_and_an_empty_value_are_told_apart() -> None:
    """A tombstone is no empty value, and neither is JSON."""
    assert reason_of(None) == Reason.TOMBSTONE
    assert reason_of(b"") == Reason.EMPTY


@pytest.mark.parametrize(
    "value",
    [
        b" ",
        b"{",
        b'{"a":1',
        b'{"a":"',
        b'{"a"',
        b'{"a":1,}',
        b'{"a":1}}',
        b'{"a":1}{"b":2}',
        b"{'a':1}",
        b"{a:1}",
        b'{"a":01}',
        b'{"a":.5}',
        b'{"a":5.}',
        b'{"a":+5}',
        b'{"a":0x1F}',
        b'{"a":1}\x00',
        b'/* a comment */ {"a":1}',
        b'\xef\xbb\xbf{"a":1}',
        b"certainly no JSON",
    ],
)
def test_what_is_no_json_is_refused(value: bytes) -> None:
    """Truncated documents, trailing text, comments, byte order marks and loose dialects are no JSON."""
    assert reason_of(value) == Reason.INVALID_JSON


@pytest.mark.parametrize("written", [b"NaN", b"Infinity", b"-Infinity", b"nan", b"-nan", b"inf"])
def test_numbers_that_are_none_are_refused(written: bytes) -> None:
    """JSON knows no NaN and no infinity, although many readers take them."""
    assert reason_of(b'{"amount":%b}' % written) == Reason.INVALID_JSON


@pytest.mark.parametrize(
    "value",
    [
        b'{"a":"\xff\xfe"}',
        b'{"\xff":1}',
        b'{"a":"\xc0\x80"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xf5\x80\x80\x80"}',
        b'{"a":"\xe2\x82"}',
        '{"a":"é"}'.encode("latin-1"),
    ],
)
def test_text_that_is_not_utf_8_is_refused(value: bytes) -> None:
    """Stray bytes, overlong forms, encoded surrogates and cut characters are no UTF-8."""
    assert reason_of(value) == Reason.NOT_UTF8


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_of_unicode_are_refused(encoding: str) -> None:
    """The json module would guess UTF-16 and UTF-32; here they are refused."""
    assert reason_of('{"a":1}'.encode(encoding)) in {Reason.INVALID_JSON, Reason.NOT_UTF8}


@pytest.mark.parametrize("value", [b"[]", b'[{"a":1}]', b"null", b'"text"', b"12", b"1.5", b"true"])
def test_other_values_than_objects_are_refused(value: bytes) -> None:
    """An array, a string, a number, a truth value and null are JSON, yet no message."""
    assert reason_of(value) == Reason.NOT_AN_OBJECT


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 40, 500, 1_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_beyond_32_levels_is_refused(levels: int, opening: bytes, closing: bytes) -> None:
    """One level too many and a hundred thousand get the same reason, whether they are arrays or objects."""
    inner = levels - 1
    assert reason_of(b'{"a":' + opening * inner + b"1" + closing * inner + b"}") == Reason.TOO_DEEP


def test_endless_nesting_that_is_never_closed_is_refused() -> None:
    """A document that only opens is refused before its end is missed, or because of it, but refused."""
    assert reason_of(b'{"a":' * 100_000) in {Reason.TOO_DEEP, Reason.INVALID_JSON}


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_of_32_levels_passes(opening: bytes, closing: bytes) -> None:
    """The object itself is the first of the levels that are allowed."""
    inner = MAX_DEPTH - 1
    assert read_object(b'{"a":' + opening * inner + b"1" + closing * inner + b"}")


def test_width_is_not_taken_for_depth() -> None:
    """Hundreds of objects beside each other are one level."""
    assert len(read_object(b'{"a":[' + b",".join([b'{"b":[]}'] * 500) + b"]}")) == 1


@pytest.mark.parametrize(
    "value",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"b":2,"a":1}',
        b'{"a":1,"a":1,"a":1}',
        b'{"":1,"":2}',
        b'{"x":{"a":1,"a":2}}',
        b'{"x":[1,[{"a":1,"a":2}]]}',
        b'{"a":{"b":1,"c":2},"a":3}',
        b'{"a":3,"a":{"b":1,"c":2}}',
        b'{"a":[],"a":[]}',
        b'{"a":1,"\\u0061":2}',
        b'{"\\u0061":1,"a":2}',
        b'{"a":"\\":","a":":"}',
        '{"é":1,"\\u00e9":2}'.encode(),
        '{"😀":1,"\\ud83d\\ude00":2}'.encode(),
        b'{"a/b":1,"a\\/b":2}',
        b'{"a" :1,"a":2}',
        b'{"a"\t:1,"a":2}',
        b'{"a"\n:1,"a":2}',
        b'{"a"\r:1,"a":2}',
        b'{"a" \t\r\n:1,"a"\n\n:2}',
        b'{"a": 1, "a" : 2}',
    ],
)
def test_a_repeated_member_is_refused(value: bytes) -> None:
    """At the top and nested, however the name is escaped, whatever white space stands before the colon."""
    assert reason_of(value) == Reason.REPEATED_MEMBER


@pytest.mark.parametrize(
    "value",
    [
        b'{"a":"\\":","b":"\\":"}',
        b'{"a":" : \\t: \\":"}',
        b'{"\\":":1,"a":2}',
        b'{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}',
        b'{"a":1,"A":2," a":3,"a ":4}',
        b'{"x":"a","y":"a"}',
        '{"é":1,"e\u0301":2}'.encode(),
    ],
)
def test_what_only_looks_repeated_passes(value: bytes) -> None:
    """Colons inside strings, one name in two objects, and names that merely look alike are no repetition."""
    assert read_object(value)


def test_the_name_of_a_repeated_member_is_told_in_bounds() -> None:
    """A name of a million characters does not become a detail of a million characters."""
    name = b"n" * 1_000_000
    with pytest.raises(InvalidMessageError) as refused:
        read_object(b'{"%b":1,"%b":2}' % (name, name))
    assert len(refused.value.detail) < 200


@pytest.mark.parametrize("escaped", [b"\\ud800", b"\\udc00", b"\\ud800\\u0061", b"x\\udfff", b"\\ud83d\\ud83d"])
def test_half_a_character_is_refused(escaped: bytes) -> None:
    """A lone surrogate could neither be printed nor be written again, as a value or as a name."""
    assert reason_of(b'{"a":"%b"}' % escaped) == Reason.INVALID_JSON
    assert reason_of(b'{"%b":1}' % escaped) == Reason.INVALID_JSON


def test_control_characters_pass_where_they_are_escaped() -> None:
    """JSON allows every character as an escape; printing it is somebody else's care."""
    assert read_object(b'{"a":"\\u0000\\u001b[2J\\n\\u202e"}') == {"a": "\x00\x1b[2J\n\u202e"}
    assert read_object(b'{"a":"\x7f"}') == {"a": "\x7f"}


@pytest.mark.parametrize("raw", [b"\x00", b"\x1b", b"\n", b"\x1f"])
def test_control_characters_are_refused_where_they_are_raw(raw: bytes) -> None:
    """Inside a string JSON has them escaped."""
    assert reason_of(b'{"a":"%b"}' % raw) == Reason.INVALID_JSON


def test_numbers_keep_every_digit() -> None:
    """Integers stay integers, fractions become decimals with the digits that were sent, zeros included."""
    members = read_object(b'{"a":231.600,"b":12345678901234567890123,"c":1e2,"d":0.1,"e":-0.0}')
    assert members["a"] == Decimal("231.6")
    assert str(members["a"]) == "231.600"
    assert members["b"] == 12345678901234567890123
    assert type(members["b"]) is int
    assert str(members["d"]) == "0.1"
    assert str(members["e"]) == "-0.0"


@pytest.mark.parametrize("written", [b"1e9999999999999999999", b"-1e9999999999999999999", b"1e-9999999999999999999"])
def test_an_exponent_beyond_any_range_is_refused(written: bytes) -> None:
    """Twenty digits of exponent are refused and not an error that nobody foresaw."""
    assert reason_of(b'{"amount":%b}' % written) == Reason.INVALID_JSON


def test_an_integer_of_5000_digits_is_refused_at_once() -> None:
    """Converting so many digits is quadratic, and Python itself forbids it with another error."""
    started = time.perf_counter()
    assert reason_of(b'{"amount":' + b"9" * 5_000 + b"}") == Reason.INVALID_JSON
    assert time.perf_counter() - started < 1


def test_a_huge_exponent_is_decoded_at_once() -> None:
    """``1e999999`` stays three characters: nothing here calculates with it."""
    started = time.perf_counter()
    assert read_object(b'{"amount":1e999999}') == {"amount": Decimal("1e999999")}
    assert time.perf_counter() - started < 1
