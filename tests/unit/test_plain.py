"""The quick way through a message, against the careful one: it reads the same transaction, or leaves it alone."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.codec import Codec
from pipeline.contracts.formats import TransferFormat
from pipeline.contracts.invalid import InvalidMessageError
from tests.unit.samples import PAYMENT, PAYMENTS, TRANSFER, TRANSFERS, payment, record, transfer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.contracts.messages import Transaction

BOTH = {"transfer": (TRANSFERS, TRANSFER), "payment": (PAYMENTS, PAYMENT)}
NAMES = [*TRANSFER, *PAYMENT, "transaction_id", "timestamp", "verdict", "note", "a:b"]
TEXTS = st.sampled_from(["", "x", "x" * 257, "a:b", '":', "\\", "é", "2026-11-22T14:05:09+09:00", "9:5:1", "13/1/2026"])
NUMBERS = st.sampled_from(["0", "-0", "12", "-1", "1.5", "1.005", "1e2", "1e999999", "9" * 16, "true", "null"])
VALUES = TEXTS.map(json.dumps) | NUMBERS | st.sampled_from(["[]", '{"a": 1}', '"\\u003a"', "NaN", "nonsense"])
CHANGES = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=3)


def outcome(read: Callable[[], Transaction]) -> Any:
    """Return the transaction, or why it is refused."""
    try:
        return read()
    except InvalidMessageError as error:
        return error.reason, error.detail


def careful(codec: Codec, value: bytes) -> Any:
    """Return what the careful way makes of a message."""
    return outcome(lambda: codec.read_carefully(record(value)))


def plainly(codec: Codec, value: bytes) -> Any:
    """Return what the quick way makes of a message, None where it leaves it alone."""
    read = record(value)
    return outcome(lambda: codec._format.read_plain(read, codec._derived_id))  # type: ignore[arg-type, return-value] # noqa: SLF001


@pytest.mark.parametrize("dialect", BOTH)
@given(CHANGES, st.data())
def test_it_reads_what_the_careful_way_reads_or_nothing(dialect: str, changes: Any, data: st.DataObject) -> None:
    """Members left out, repeated, added, of other types, with escapes and colons in them, in any order and writing."""
    codec, sample = BOTH[dialect]
    members = [(name, json.dumps(value)) for name, value in sample.items() if data.draw(st.integers(0, 20)) > 0]
    members = data.draw(st.permutations([*members, *changes]))
    colon, comma = data.draw(st.sampled_from([(":", ","), (": ", ", "), (" : ", " ,\n")]))
    value = "{" + comma.join(json.dumps(name) + colon + written for name, written in members) + "}"
    quick = plainly(codec, value.encode())
    if quick is not None:
        assert quick == careful(codec, value.encode())


@given(
    st.lists(st.sampled_from([transfer(), transfer(note="x"), transfer(amount=-1), transfer(note=1, amount=2), b""]))
)
def test_what_came_before_changes_nothing(values: list[bytes]) -> None:
    """A codec that has met members of a producer's own looks for plain messages no more, until one comes."""
    codec = Codec(TransferFormat(), "topic-id")
    for value in values:
        assert outcome(partial(codec.read, record(value))) == careful(TRANSFERS, value)


@pytest.mark.parametrize(
    ("codec", "value"),
    [
        (TRANSFERS, transfer()),
        (TRANSFERS, transfer(transaction_id="t", timestamp="2026-11-22T14:05:09.123Z")),
        (TRANSFERS, transfer(timestamp="2026-11-22T14:05:09+09:00", amount=7)),
        (PAYMENTS, payment()),
        (PAYMENTS, payment(transaction_id="t", AMOUNT=0)),
    ],
)
def test_usual_messages_take_it(codec: Codec, value: bytes) -> None:
    """What most producers send needs no careful look."""
    assert plainly(codec, value) == careful(codec, value)


@pytest.mark.parametrize(
    "value",
    [
        transfer(note="x"),
        transfer()[:-1] + b', "currency": "EUR"}',
        transfer(timestamp="2026-11-22T14\\u003a05:09Z")[:-1].replace(b"\\\\", b"\\") + b', "currency": "EUR"}',
        transfer(source="a:b"),
        transfer(transaction_id=None),
        transfer(verdict=1),
        b"",
    ],
)
def test_others_do_not(value: bytes) -> None:
    """A member that is repeated, one that is hidden by an escape, one more, a colon in a text, a null."""
    assert plainly(TRANSFERS, value) is None
