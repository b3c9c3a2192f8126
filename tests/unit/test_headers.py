"""Our headers and coordinates: what outsiders cannot forge, and what is no coordinate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts import headers
from pipeline.contracts.coordinates import Coordinates

if TYPE_CHECKING:
    from pipeline.contracts.headers import Header

HEADERS: st.SearchStrategy[list[Header]] = st.lists(
    st.tuples(
        st.sampled_from([kind.name for kind in headers.ALL])
        | st.text(max_size=10)
        | st.text(max_size=5).map(lambda rest: f"pipeline.{rest}"),
        st.none() | st.binary(max_size=10),
    ),
    max_size=8,
)


def test_every_header_of_the_registry_is_of_our_prefix_and_unique() -> None:
    """Whatever we write can be told from what came with the record, and each name stands for one thing."""
    names = [kind.name for kind in headers.ALL]
    assert [name for name in names if not name.startswith(headers.PREFIX)] == ["traceparent"]  # a standard's
    assert len(set(names)) == len(names)


def test_every_header_of_the_module_is_in_the_registry() -> None:
    """A header that is declared and not listed would be missing from the documents."""
    declared = {value for value in vars(headers).values() if isinstance(value, headers.HeaderKind)}
    assert declared == set(headers.ALL)
    assert all(kind.value and kind.stands_on for kind in headers.ALL)


@given(HEADERS)
def test_nothing_of_our_prefix_passes_as_foreign(carried: list[Header]) -> None:
    """Known or unknown, a name of ours that came from outside is dropped; all others stay, in order and repeated."""
    kept = headers.foreign(carried)
    assert not any(name.startswith("pipeline.") for name, _ in kept)
    assert kept == tuple(header for header in carried if header in kept)
    assert len(kept) + sum(name.startswith("pipeline.") for name, _ in carried) == len(carried)


def test_names_that_only_resemble_ours_are_foreign() -> None:
    """The prefix is compared exactly, its dot included."""
    carried: list[Header] = [("pipeline", b"1"), ("Pipeline.origin", b"2"), ("x.pipeline.origin", b"3"), ("", None)]
    assert headers.foreign(carried) == tuple(carried)


def test_of_several_headers_the_last_counts() -> None:
    """What we append wins over what was there before."""
    carried: list[Header] = [("pipeline.origin", b"1:1"), ("a", b"0:0"), ("pipeline.origin", b"2:2")]
    assert headers.find(carried, headers.ORIGIN) == b"2:2"
    assert headers.coordinates_in(carried, headers.ORIGIN) == Coordinates(2, 2)
    assert headers.find(carried, headers.SOURCE) is None


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1))
def test_coordinates_survive_their_header(partition: int, offset: int) -> None:
    """Whatever place Kafka can have is written and read back, and shows in the log as it stands in the header."""
    place = Coordinates(partition, offset)
    assert Coordinates.decode(place.encode()) == place
    assert str(place).encode() == place.encode()
    assert headers.coordinates_in([(headers.ORIGIN.name, place.encode())], headers.ORIGIN) == place


NAMED = st.sampled_from([headers.ORIGIN.name, headers.TIMESTAMP.name, headers.SOURCE.name, "x"])
TOLD = st.none() | st.sampled_from([b"1:2", b"17", b"-1", b"", b"x", b"9" * 5_000, b"3:" + b"9" * 5_000])


@given(st.lists(st.tuples(NAMED, TOLD), max_size=5))
def test_one_walk_finds_what_two_find(carried: list[Header]) -> None:
    """Origin and time of a record, missing, repeated or garbage."""
    expected = headers.coordinates_in(carried, headers.ORIGIN), headers.original_time(carried, 5)
    assert headers.entered_by(carried, 5) == expected


GARBAGE: list[bytes | None] = [
    None,
    b"",
    b":",
    b"1",
    b"1:",
    b":1",
    b"-1:1",
    b"1:-1",
    b"+1:1",
    b"1:+1",
    b"1:2:3",
    b"1: 2",
    b" 1:2",
    b"1:2\n",
    b"1.0:2",
    b"1_0:2",
    b"0x1:2",
    b"one:two",
    b"\xff:\xff",
    "\u0661:\u0662".encode(),
    "\uff11:\uff12".encode(),
    "²:³".encode(),
]


@pytest.mark.parametrize("value", GARBAGE)
def test_garbage_is_no_coordinates(value: bytes | None) -> None:
    """Signs, blanks, digits of other scripts and missing parts are refused by both readers."""
    with pytest.raises(ValueError, match="not coordinates"):
        Coordinates.decode(value)
    assert headers.coordinates_in([(headers.ORIGIN.name, value)], headers.ORIGIN) is None


@pytest.mark.parametrize(
    "value",
    [b"1:" + b"9" * 20, b"1:" + b"9" * 5_000, b"9" * 11 + b":1", b"9" * 40 + b":1", b"9" * 5_000 + b":1"],
    ids=["offset of 20", "offset of 5,000", "partition of 11", "partition of 40", "partition of 5,000"],
)
def test_numbers_that_no_kafka_has_are_no_coordinates(value: bytes) -> None:
    """A partition is an int32 and an offset an int64: digits without an end are a forgery."""
    with pytest.raises(ValueError, match=r"not coordinates|digits"):
        Coordinates.decode(value)
    assert headers.coordinates_in([(headers.ORIGIN.name, value)], headers.ORIGIN) is None


@given(st.binary(max_size=12))
def test_any_bytes_are_coordinates_or_none(value: bytes) -> None:
    """Nothing that stands in a header ends in another error."""
    found = headers.coordinates_in([(headers.ORIGIN.name, value)], headers.ORIGIN)
    assert found is None or (found.partition >= 0 and found.offset >= 0)
