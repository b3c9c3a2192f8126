"""Dead letters: whole where they fit, cut with length and hash where not; and what a record counts at a broker."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder

from pipeline.contracts import headers
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.runtime.deadletter import KEPT_KEY_BYTES, KEPT_VALUE_BYTES, letter_of, size_of
from tests.unit.samples import HOSTILE, record

if TYPE_CHECKING:
    from pipeline.contracts.headers import Header

LIMIT = 1_048_588 + 64 * 1024
# An input of the smallest limit that is of any use, and the room that outputs have beyond it.
SMALL_LIMIT = 128 * 1024
ERROR = InvalidMessageError(Reason.MISSING_MEMBER, "member 'amount' is missing")

CARRIED: st.SearchStrategy[list[Header]] = st.lists(
    st.tuples(st.text(max_size=20), st.none() | st.binary(max_size=40)), max_size=6
)
SIZES = st.integers(0, 300) | st.sampled_from([8_191, 8_192, 1_048_575, 1_048_576])


def encoded_size(key: bytes | None, value: bytes | None, carried: list[Header]) -> int:
    """Return how large the client makes a record that is alone in its batch."""
    builder = DefaultRecordBatchBuilder(2, 0, 1, 2**62, 2**14, 2**30, 2**24)
    builder.append(0, 2**62, key, value, carried)
    return len(builder.build())


@given(key=st.none() | SIZES, value=st.none() | SIZES, carried=CARRIED)
@example(key=0, value=0, carried=[("한" * 1_000, b"")] * 3)
@example(key=1, value=1, carried=[("", None)] * 500)
def test_no_record_is_larger_than_it_was_taken_for(key: int | None, value: int | None, carried: list[Header]) -> None:
    """What the client encodes, and what a broker counts, is never more than ``size_of`` says."""
    key_bytes = None if key is None else b"k" * key
    value_bytes = None if value is None else b"v" * value
    assert encoded_size(key_bytes, value_bytes, carried) <= size_of(key_bytes, value_bytes, tuple(carried))


def test_a_record_is_not_taken_for_much_larger_than_it_is() -> None:
    """A limit of a megabyte is not wasted: the estimate is off by about a kilobyte."""
    carried: list[Header] = [("trace", b"t" * 50)] * 5
    estimate = size_of(b"k" * 100, b"v" * 1_000_000, tuple(carried))
    assert estimate - encoded_size(b"k" * 100, b"v" * 1_000_000, carried) < 1_300


def headers_of(letter_headers: tuple[Header, ...]) -> dict[str, bytes | None]:
    """Return the headers by name."""
    return dict(letter_headers)


def test_a_letter_that_fits_is_the_whole_record_and_why() -> None:
    """Key, value and foreign headers stay; ours say why, where from and who gave up."""
    original = record(b"no transaction", headers=(("trace", b"t"), ("pipeline.reason", b"forged"), ("trace", b"u")))
    letter = letter_of(original, ERROR, "detector", LIMIT)
    assert (letter.key, letter.value) == (b"key", b"no transaction")
    assert letter.headers == (
        ("trace", b"t"),
        ("trace", b"u"),
        ("pipeline.origin", b"3:41"),
        ("pipeline.reason", b"missing-member"),
        ("pipeline.detail", b"member 'amount' is missing"),
        ("pipeline.source", b"3:41"),
        ("pipeline.service", b"detector"),
    )


@pytest.mark.parametrize(("key", "value"), [(None, b"v"), (b"k", None), (b"", b""), (b"k", b"")])
def test_absent_and_empty_stay_what_they_are(key: bytes | None, value: bytes | None) -> None:
    """A letter tells a missing key or value from an empty one."""
    letter = letter_of(record(value, key=key), ERROR, "detector", LIMIT)
    assert (letter.key, letter.value) == (key, value)


def test_a_letter_on_a_later_hop_has_both_coordinates() -> None:
    """Where the transaction came in and where it could not be handled are two places."""
    found = headers_of(letter_of(record(b"v", partition=0, offset=7), ERROR, "fraud_processor", LIMIT).headers)
    assert (found["pipeline.origin"], found["pipeline.source"]) == (b"3:41", b"0:7")


def test_a_record_without_an_origin_has_a_letter_without_one() -> None:
    """What never came in has no place where it did."""
    found = headers_of(letter_of(record(b"v", origin=None), ERROR, "legit_processor", LIMIT).headers)
    assert headers.ORIGIN.name not in found
    assert found["pipeline.source"] == b"3:41"


def test_a_hostile_detail_is_told_on_one_line() -> None:
    """Whoever looks at headers in a console sees no escape sequence, and no novel."""
    error = InvalidMessageError(Reason.INVALID_VALUE, HOSTILE + "x" * 10_000)
    detail = headers_of(letter_of(record(b"v"), error, "detector", LIMIT).headers)["pipeline.detail"] or b""
    assert detail.decode().isprintable()
    assert len(detail) < 1_000


def test_a_letter_that_does_not_fit_keeps_its_beginning_length_and_hash() -> None:
    """Enough stays to recognise the record, and to prove which one it was."""
    value = bytes(range(256)) * 20_000
    letter = letter_of(record(value, headers=(("big", b"h" * 100_000),)), ERROR, "detector", LIMIT)
    assert letter.value == value[:KEPT_VALUE_BYTES]
    found = headers_of(letter.headers)
    assert found["pipeline.truncated"] == b"%d:%s" % (len(value), hashlib.sha256(value).hexdigest().encode())
    assert found["pipeline.reason"] == b"missing-member"
    assert found["pipeline.origin"] == found["pipeline.source"] == b"3:41"
    assert "big" not in found


def test_a_key_that_does_not_fit_is_cut_as_well() -> None:
    """A key can be what is too large."""
    letter = letter_of(record(b"v", key=b"k" * 3_000_000), ERROR, "detector", LIMIT)
    assert letter.key == b"k" * KEPT_KEY_BYTES
    assert letter.value == b"v"
    assert headers_of(letter.headers)["pipeline.truncated"] == b"1:" + hashlib.sha256(b"v").hexdigest().encode()


def test_a_letter_that_is_cut_has_no_key_where_there_was_none() -> None:
    """A missing key stays missing: an empty one would be another key."""
    assert letter_of(record(b"v" * 5_000_000, key=None), ERROR, "detector", LIMIT).key is None


@given(
    value=st.none() | st.integers(0, 2_000_000),
    key=st.none() | st.integers(0, 2_000_000),
    carried=st.lists(st.tuples(st.text(max_size=200), st.integers(0, 300_000)), max_size=4),
    limit=st.integers(SMALL_LIMIT, 3_000_000),
    detail=st.text(st.characters(), max_size=700),
)
def test_every_letter_fits_its_topic(
    value: int | None, key: int | None, carried: list[tuple[str, int]], limit: int, detail: str
) -> None:
    """Whatever is large, value, key or headers, the letter can be written: else the record would come for ever."""
    original = record(
        None if value is None else b"v" * value,
        key=None if key is None else b"k" * key,
        headers=tuple((name, b"h" * size) for name, size in carried),
    )
    letter = letter_of(original, InvalidMessageError(Reason.TOO_LARGE, detail), "detector", limit)
    assert size_of(letter.key, letter.value, letter.headers) <= limit
    assert encoded_size(letter.key, letter.value, list(letter.headers)) <= limit
