"""From a record to a transaction: every message that is refused, and why, in both dialects."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pipeline.contracts.invalid import InvalidMessageError, Reason
from tests.unit.samples import PAYMENT, PAYMENTS, TRANSFER, TRANSFERS, payment, record, transfer, transfer_of, verdict

if TYPE_CHECKING:
    from pipeline.contracts.codec import Codec


def refusal(codec: Codec, value: bytes | None) -> Reason:
    """Return why a codec refuses a value."""
    with pytest.raises(InvalidMessageError) as refused:
        codec.read(record(value))
    assert refused.value.detail
    assert str(refused.value).startswith(refused.value.reason)
    return refused.value.reason


def without(members: dict[str, Any], name: str) -> bytes:
    """Return a message that lacks one member."""
    return json.dumps({key: value for key, value in members.items() if key != name}).encode()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.TOMBSTONE),
        (b"", Reason.EMPTY),
        (transfer()[:-5], Reason.INVALID_JSON),
        (transfer(source="X").replace(b"X", b"\xff"), Reason.NOT_UTF8),
        (b"[%b]" % transfer(), Reason.NOT_AN_OBJECT),
        (transfer(note=json.loads("[" * 32 + "]" * 32)), Reason.TOO_DEEP),
        (b'{"amount":1,' + transfer()[1:], Reason.REPEATED_MEMBER),
        (transfer(verdict=None), Reason.RESERVED_MEMBER),
        (transfer(verdict={"score": 0}), Reason.RESERVED_MEMBER),
        (b"{}", Reason.MISSING_MEMBER),
    ],
)
def test_what_is_no_message_of_ours_is_refused(value: bytes | None, reason: Reason) -> None:
    """Whatever cannot be read safely is refused before any member of it is looked at."""
    assert refusal(TRANSFERS, value) == reason


@pytest.mark.parametrize(("codec", "members"), [(TRANSFERS, TRANSFER), (PAYMENTS, PAYMENT)])
def test_each_member_that_is_missing_is_named(codec: Codec, members: dict[str, Any]) -> None:
    """All members of a dialect must be there, and the detail names the one that is not."""
    for name in members:
        with pytest.raises(InvalidMessageError) as refused:
            codec.read(record(without(members, name)))
        assert refused.value.reason == Reason.MISSING_MEMBER
        assert repr(name) in refused.value.detail


@pytest.mark.parametrize("wrong", [None, True, False, 12, 1.5, [], ["a"], {}, {"a": 1}])
def test_each_text_of_another_type_is_refused(wrong: Any) -> None:
    """Where a text is due nothing else is taken for one."""
    for name in ("source", "target", "currency"):
        assert refusal(TRANSFERS, transfer(**{name: wrong})) == Reason.WRONG_TYPE
    for name in ("DATE", "TIME", "PAYMENT_TYPE", "TO"):
        assert refusal(PAYMENTS, payment(**{name: wrong})) == Reason.WRONG_TYPE


@pytest.mark.parametrize("wrong", [None, True, False, "12", "", [], [12], {}, {"amount": 12}])
def test_each_amount_of_another_type_is_refused(wrong: Any) -> None:
    """An amount is a JSON number: no text, and no truth value although Python takes one for 1."""
    assert refusal(TRANSFERS, transfer(amount=wrong)) == Reason.WRONG_TYPE
    assert refusal(PAYMENTS, payment(AMOUNT=wrong)) == Reason.WRONG_TYPE


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (b"NaN", Reason.INVALID_JSON),
        (b"Infinity", Reason.INVALID_JSON),
        (b"-Infinity", Reason.INVALID_JSON),
        (b"-1", Reason.NEGATIVE_AMOUNT),
        (b"-0.01", Reason.NEGATIVE_AMOUNT),
        (b"-0.0", Reason.NEGATIVE_AMOUNT),
        (b"1e999999", Reason.AMOUNT_TOO_LARGE),
        (b"1e999999999999999999", Reason.AMOUNT_TOO_LARGE),
        (b"1e9999999999999999999", Reason.INVALID_JSON),
        (b"9" * 5_000, Reason.INVALID_JSON),
        (b"9" * 4_000, Reason.AMOUNT_TOO_LARGE),
        (b"9" * 5_000 + b".5", Reason.AMOUNT_TOO_LARGE),
        (b"1000000000000000", Reason.AMOUNT_TOO_LARGE),
        (b"1000000000000000.00", Reason.AMOUNT_TOO_LARGE),
        (b"1e15", Reason.AMOUNT_TOO_LARGE),
        (b"1.005", Reason.TOO_MANY_DECIMALS),
        (b"1e-3", Reason.TOO_MANY_DECIMALS),
        (b"1e-999999", Reason.TOO_MANY_DECIMALS),
        (b"0." + b"0" * 5_000 + b"1", Reason.TOO_MANY_DECIMALS),
    ],
    ids=lambda value: str(value)[:24],
)
def test_amounts_outside_of_what_is_exact_are_refused_at_once(written: bytes, reason: Reason) -> None:
    """No amount is infinite, negative, over 15 digits or finer than cents, and none costs time to refuse."""
    started = time.perf_counter()
    assert refusal(TRANSFERS, transfer_of(written)) == reason
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        (b"231.67", "231.67"),
        (b"231.600", "231.60"),
        (b"231", "231.00"),
        (b"0", "0.00"),
        (b"0.000", "0.00"),
        (b"5e1", "50.00"),
        (b"1.5E+2", "150.00"),
        (b"100e-2", "1.00"),
        (b"999999999999999.99", "999999999999999.99"),
        (b"0." + b"0" * 5_000, "0.00"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_an_amount_is_exact_with_the_decimals_of_its_currency(written: bytes, amount: str) -> None:
    """However a number is written, it becomes the same amount with as many decimals as euros have."""
    assert str(TRANSFERS.read(record(transfer_of(written))).amount) == amount


def test_zeros_behind_the_point_are_no_decimals_too_many() -> None:
    """A currency without decimals takes 12.0, and refuses 12.5."""
    assert PAYMENTS.read(record(payment(AMOUNT=12.0))).amount == Decimal(12)
    assert refusal(PAYMENTS, payment(AMOUNT=12.5)) == Reason.TOO_MANY_DECIMALS


@pytest.mark.parametrize("text", ["", "x" * 257], ids=["empty", "long"])
def test_texts_that_are_empty_or_too_long_are_refused(text: str) -> None:
    """Every text has from 1 to 256 characters."""
    for name in ("source", "target", "currency", "transaction_id"):
        assert refusal(TRANSFERS, transfer(**{name: text})) == Reason.INVALID_VALUE
    for name in ("PAYMENT_TYPE", "TO", "DATE", "TIME", "transaction_id"):
        assert refusal(PAYMENTS, payment(**{name: text})) == Reason.INVALID_VALUE
    assert TRANSFERS.read(record(transfer(source="x" * 256))).source == "x" * 256


@pytest.mark.parametrize("currency", ["euro", "eur", "EU", "E1R", "EURO", "ÄÖÜ", "€€€", "EUR "])
def test_what_is_no_currency_code_is_refused(currency: str) -> None:
    """A currency is three capital letters of ASCII."""
    assert refusal(TRANSFERS, transfer(currency=currency)) == Reason.INVALID_VALUE


def test_a_verdict_that_is_nested_is_somebody_elses() -> None:
    """Only the top-level member is ours."""
    read = TRANSFERS.read(record(transfer(note={"verdict": "mine"})))
    assert read.attributes == {"note": {"verdict": "mine"}}


def test_the_id_that_was_sent_is_kept() -> None:
    """A producer may name its transactions."""
    assert TRANSFERS.read(record(transfer(transaction_id="T-1"))).id == "T-1"
    assert PAYMENTS.read(record(payment(transaction_id="T-1"))).id == "T-1"


@pytest.mark.parametrize("wrong", [12, True, ["T-1"], {"id": "T-1"}])
def test_an_id_of_another_type_is_refused(wrong: Any) -> None:
    """An id is a text."""
    assert refusal(TRANSFERS, transfer(transaction_id=wrong)) == Reason.WRONG_TYPE


def test_an_id_that_is_left_out_is_derived_from_topic_id_and_origin() -> None:
    """Every reader of every hop derives the same id, since it is made of the origin and not of the record's place."""
    first_hop = record(transfer())
    later_hop = record(transfer(), partition=0, offset=7)
    assert TRANSFERS.read(first_hop).id == TRANSFERS.read(later_hop).id == "topic-id-3-41"


def test_a_record_without_an_origin_is_refused() -> None:
    """What did not enter through the input topic is nobody's transaction."""
    with pytest.raises(InvalidMessageError) as refused:
        TRANSFERS.read(record(transfer(), origin=None))
    assert refused.value.reason == Reason.NO_ORIGIN


JUDGED = verdict()
WRITTEN: dict[str, Any] = msgspec.to_builtins(JUDGED)


def test_a_judged_transaction_is_read_with_its_verdict() -> None:
    """The verdict becomes no attribute of the transaction, and what a newer detector adds to it is passed over."""
    newer = WRITTEN | {"model": "m-2", "hits": [WRITTEN["hits"][0] | {"explanation": {"a": [1]}}]}
    read, found = TRANSFERS.read_judged(record(transfer(note="n", verdict=newer)))
    assert found == JUDGED
    assert read.attributes == {"note": "n"}
    assert read == TRANSFERS.read(record(transfer(note="n")))


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        True,
        "fraud",
        [],
        {},
        WRITTEN | {"score": "100"},
        WRITTEN | {"score": 99.5},
        WRITTEN | {"ruleset": 1},
        WRITTEN | {"hits": None},
        WRITTEN | {"hits": [{"rule": "large-amount"}]},
        WRITTEN | {"hits": [WRITTEN["hits"][0] | {"values": {"amount": 980.05}}]},
    ],
)
def test_a_verdict_that_this_pipeline_never_wrote_is_refused(wrong: Any) -> None:
    """A verdict of another shape or type is refused with its own reason."""
    with pytest.raises(InvalidMessageError) as refused:
        TRANSFERS.read_judged(record(transfer(verdict=wrong)))
    assert refused.value.reason == Reason.INVALID_VERDICT


def test_a_fraud_without_a_verdict_is_refused() -> None:
    """On the fraud topic a transaction without its reasons is not what the detector wrote."""
    with pytest.raises(InvalidMessageError) as refused:
        TRANSFERS.read_judged(record(transfer()))
    assert refused.value.reason == Reason.INVALID_VERDICT
