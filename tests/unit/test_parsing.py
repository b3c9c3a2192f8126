"""What the text of a variable may be, and that nothing but ValueError comes of all the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.runtime import parsing

if TYPE_CHECKING:
    from collections.abc import Callable

ALL: dict[str, Callable[[str], Any]] = {
    "choice": parsing.choice("a", "b"),
    "whole_number": parsing.whole_number(-5, 10**15),
    "number_above_zero": parsing.number_above_zero,
    "money": parsing.money,
    "currency": parsing.currency,
    "timezone": parsing.timezone,
    "moment": parsing.moment,
    "words": parsing.words,
    "addresses": parsing.addresses,
    "topic_name": parsing.topic_name,
    "optional": parsing.optional(parsing.number_above_zero),
}


@pytest.mark.parametrize("name", ALL)
@given(text=st.text(st.characters(), max_size=30) | st.text("0123456789.eE+-_naif:,/ ", max_size=30))
@example(text="")
@example(text="9" * 5_000)
@example(text="1e999999999999999999999")
@example(text="sNaN")
@example(text="Asia")
@example(text="../etc/passwd")
@example(text="/etc/passwd")
@example(text="zone.tab")
@example(text="0001-01-01T00:00:00+14:00")
@example(text="9999-12-31T23:59:59-14:00")
@example(text="\x00")
@example(text="\ud800")
@example(text="x" * 5_000)
def test_any_text_is_taken_or_refused_in_a_sentence(name: str, text: str) -> None:
    """A parser raises ValueError with what it would have accepted, and nothing else."""
    try:
        ALL[name](text)
    except ValueError as error:
        assert str(error).startswith(("a", "one of", "host:port"))  # noqa: PT017 (either is right)


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        ("choice", "A", "a"),
        ("whole_number", "-5", -5),
        ("whole_number", "007", 7),
        ("number_above_zero", "0.1", 0.1),
        ("number_above_zero", "2e4", 20_000.0),
        ("money", "900", Decimal(900)),
        ("money", "900.00", Decimal("900.00")),
        ("money", "0", Decimal(0)),
        ("currency", "EUR", "EUR"),
        ("timezone", "Asia/Seoul", ZoneInfo("Asia/Seoul")),
        ("timezone", "UTC", ZoneInfo("UTC")),
        ("moment", "2026-01-31T08:00:00Z", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("moment", "2026-01-31T08:00:00+09:00", datetime(2026, 1, 30, 23, tzinfo=UTC)),
        ("words", "none", frozenset()),
        ("words", "BITCOIN", frozenset({"BITCOIN"})),
        ("words", " BITCOIN , PAYPAL,,", frozenset({"BITCOIN", "PAYPAL"})),
        ("addresses", "broker:9092", ("broker:9092",)),
        ("addresses", "a:1, b.example.com:65535 ,[::1]:9092", ("a:1", "b.example.com:65535", "[::1]:9092")),
        ("addresses", "127.0.0.1:9094", ("127.0.0.1:9094",)),
        ("topic_name", "queuing.transactions", "queuing.transactions"),
        ("topic_name", "legit_payments-2", "legit_payments-2"),
        ("topic_name", "x" * 237, "x" * 237),
        ("optional", "", None),
        ("optional", "2", 2.0),
    ],
)
def test_what_is_meant_is_taken(parse: str, text: str, value: object) -> None:
    """Each parser takes the forms that people write."""
    assert ALL[parse](text) == value


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        ("choice", "c"),
        ("whole_number", "-6"),
        ("whole_number", "1.0"),
        ("whole_number", "1_000"),
        ("whole_number", "\uff11"),
        ("whole_number", "9" * 19),
        ("number_above_zero", "0"),
        ("number_above_zero", "-1"),
        ("number_above_zero", "nan"),
        ("number_above_zero", "inf"),
        ("number_above_zero", "ten"),
        ("money", "-0.01"),
        ("money", "NaN"),
        ("money", "Infinity"),
        ("money", "1e15"),
        ("money", "1e999999999"),
        ("money", "900 EUR"),
        ("currency", "eur"),
        ("currency", "EURO"),
        ("timezone", "Seoul"),
        ("timezone", "Asia/"),
        ("timezone", "../../etc/localtime"),
        ("moment", "2026-01-31"),
        ("moment", "2026-01-31T08:00:00"),
        ("moment", "1969-12-31T08:00:00Z"),
        ("moment", "9999-12-31T23:59:59-14:00"),
        ("moment", "now"),
        ("addresses", "broker"),
        ("addresses", "broker:"),
        ("addresses", "broker:0"),
        ("addresses", "broker:65536"),
        ("addresses", "http://broker:9092"),
        ("addresses", "a:1;b:2"),
        ("addresses", ":9092"),
        ("topic_name", ""),
        ("topic_name", "."),
        ("topic_name", ".."),
        ("topic_name", "a b"),
        ("topic_name", "a/b"),
        ("topic_name", "zahlungsvorgänge"),
        ("topic_name", "x" * 250),
        ("topic_name", "a\n"),
    ],
    ids=lambda text: repr(text)[:24],
)
def test_what_cannot_be_meant_is_refused(parse: str, text: str) -> None:
    """Each parser refuses what would only fail later, and less clearly."""
    with pytest.raises(ValueError, match=r"^(a|one of|host:port)"):
        ALL[parse](text)
