"""Made-up transactions: their ranges, their shares, and that the same seed makes the same ones."""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.settings import GeneratorSettings
from generator.transactions import PAYEES, PAYMENT_TYPES, Generated, PaymentSource, TransferSource
from pipeline.contracts.codec import Codec
from pipeline.contracts.formats import PaymentFormat, TransferFormat
from pipeline.errors import SettingsError
from tests.unit.samples import PAYMENTS, TRANSFERS, record

if TYPE_CHECKING:
    from generator.transactions import Source

SEOUL = ZoneInfo("Asia/Seoul")
MOMENT = datetime(2026, 11, 22, 5, 5, 9, 123_456, tzinfo=UTC)
TIMES = {"timestamp", "DATE", "TIME"}
ACCOUNT = re.compile(r"[A-Za-z0-9]{12}")


def seeded(seed: int) -> Random:
    """Return a source of chance that is the same in every run."""
    return Random(seed)  # noqa: S311 (no secret)


def source_of(dialect: str, seed: int) -> Source[Generated]:
    """Return a source of a dialect from a seed."""
    return TransferSource(seeded(seed), "EUR") if dialect == "transfer" else PaymentSource(seeded(seed), SEOUL)


def one(source: Source[Generated], moment: datetime) -> Generated:
    """Return the next transaction."""
    (made,) = source.make(moment, 1)
    return made


def members(made: Generated) -> dict[str, Any]:
    """Return what was made, amounts exact to the digit."""
    decoded: dict[str, Any] = json.loads(made.value, parse_float=Decimal)
    return decoded


def but_for_time(made: Generated) -> tuple[bytes, dict[str, Any]]:
    """Return what was made without its time."""
    return made.key, {name: value for name, value in members(made).items() if name not in TIMES}


@pytest.mark.parametrize("dialect", ["transfer", "payment"])
def test_the_same_seed_makes_the_same_transactions_but_for_their_time(dialect: str) -> None:
    """Two runs differ in nothing but when they were, and another seed makes other transactions."""
    first, second, other = source_of(dialect, 7), source_of(dialect, 7), source_of(dialect, 8)
    made = [but_for_time(one(first, MOMENT + timedelta(seconds=number))) for number in range(200)]
    again = [but_for_time(one(second, MOMENT + timedelta(days=number))) for number in range(200)]
    assert made == again
    assert made != [but_for_time(one(other, MOMENT)) for _ in range(200)]


@pytest.mark.parametrize("dialect", ["transfer", "payment"])
def test_ids_are_uuids_and_never_come_twice(dialect: str) -> None:
    """Every transaction has an id of its own, of the kind that is random."""
    source = source_of(dialect, 1)
    ids = [members(one(source, MOMENT))["transaction_id"] for _ in range(5_000)]
    assert len(set(ids)) == len(ids)
    read = [uuid.UUID(transaction_id) for transaction_id in ids]
    assert [str(one) for one in read] == ids
    assert {(one.version, one.variant) for one in read} == {(4, uuid.RFC_4122)}


def test_transfers_have_their_members_and_the_source_as_key() -> None:
    """The key is the account whose order is kept, and the time has milliseconds and is UTC."""
    made = one(TransferSource(seeded(3), "EUR"), MOMENT)
    found = members(made)
    assert list(found) == ["transaction_id", "timestamp", "source", "target", "amount", "currency"]
    assert made.key == found["source"].encode()
    assert found["timestamp"] == "2026-11-22T05:05:09.123Z"
    assert found["currency"] == "EUR"


def test_amounts_of_transfers_are_spread_evenly_from_1_to_1000() -> None:
    """Over 20,000 transfers no amount leaves the range, all have cents, and the mean is in the middle."""
    source = TransferSource(seeded(20_261_122), "EUR")
    amounts: list[Decimal] = []
    for _ in range(20_000):
        found = members(one(source, MOMENT))
        assert ACCOUNT.fullmatch(found["source"])
        assert ACCOUNT.fullmatch(found["target"])
        amounts.append(found["amount"])
    assert min(amounts) >= Decimal("1.00")
    assert max(amounts) <= Decimal("1000.00")
    assert all(-amount.as_tuple().exponent == 2 for amount in amounts)  # type: ignore[operator]
    assert abs(sum(amounts, Decimal(0)) / len(amounts) - Decimal("500.50")) < 10
    assert min(amounts) < 2
    assert max(amounts) > 999


@pytest.mark.parametrize("dialect", ["transfer", "payment"])
@given(counts=st.lists(st.integers(0, 700), max_size=6))
def test_it_does_not_matter_how_many_are_asked_for_at_a_time(dialect: str, counts: list[int]) -> None:
    """The same seed makes the same transactions also where they become due in other portions."""
    portions, single = source_of(dialect, 7), source_of(dialect, 7)
    made = [transaction for count in counts for transaction in portions.make(MOMENT, count)]
    assert made == single.make(MOMENT, sum(counts))


@pytest.mark.parametrize("dialect", ["transfer", "payment"])
@pytest.mark.parametrize("currency", ["EUR", "JPY", "BHD", "CLF"])
def test_the_bytes_are_those_that_an_encoder_writes(dialect: str, currency: str) -> None:
    """Put together from parts, the JSON is what msgspec makes of the same members."""
    source = TransferSource(seeded(7), currency) if dialect == "transfer" else source_of(dialect, 7)
    encode = msgspec.json.Encoder(decimal_format="number").encode
    for made in source.make(MOMENT, 3_000):
        assert encode(members(made)) == made.value


def test_about_a_tenth_of_transfers_is_of_900_and_above() -> None:
    """The default rule finds a share of frauds that shows and does not drown the rest."""
    source = TransferSource(seeded(20_261_122), "EUR")
    large = sum(Decimal(members(one(source, MOMENT))["amount"]) >= 900 for _ in range(50_000))
    assert 0.09 <= large / 50_000 <= 0.11


def test_accounts_are_made_of_all_letters_and_digits() -> None:
    """Capital and small letters and digits all come, and hardly any account twice."""
    source = TransferSource(seeded(5), "EUR")
    accounts = [members(one(source, MOMENT))["source"] for _ in range(5_000)]
    assert len(set("".join(accounts))) == 62
    assert len(set(accounts)) == len(accounts)


def test_payments_have_their_members_and_the_payee_as_key() -> None:
    """The payment's time is that of a clock on a wall in Seoul."""
    made = one(PaymentSource(seeded(3), SEOUL), MOMENT)
    found = members(made)
    assert list(found) == ["transaction_id", "DATE", "TIME", "PAYMENT_TYPE", "AMOUNT", "TO"]
    assert made.key == found["TO"].encode()
    assert (found["DATE"], found["TIME"]) == ("11/22/2026", "14:05:09")


def test_payments_are_spread_over_types_payees_and_amounts() -> None:
    """All types and payees come, about equally often, and amounts are whole from 0 to 100."""
    source = PaymentSource(seeded(20_261_122), SEOUL)
    made = [members(one(source, MOMENT)) for _ in range(20_000)]
    for name, options in (("PAYMENT_TYPE", PAYMENT_TYPES), ("TO", PAYEES)):
        counts = {option: sum(found[name] == option for found in made) for option in options}
        assert sum(counts.values()) == len(made)
        assert all(abs(count * len(options) / len(made) - 1) < 0.1 for count in counts.values())
    amounts = [found["AMOUNT"] for found in made]
    assert {type(amount) for amount in amounts} == {int}
    assert set(amounts) == set(range(101))
    assert PAYMENT_TYPES == ("VISA", "MASTERCARD", "BITCOIN")
    assert PAYEES == ("me", "mom", "dad", "friend", "stranger")


@pytest.mark.parametrize("currency", ["EUR", "USD", "JPY", "KRW", "BHD", "CLF"])
def test_every_transfer_is_one_that_the_codec_reads(currency: str) -> None:
    """Whatever currency the settings take, no transfer has more decimals than it, and what is read was made."""
    try:
        GeneratorSettings.from_env({"TRANSFER_CURRENCY": currency})
    except SettingsError:
        return
    source, codec = TransferSource(seeded(11), currency), Codec(TransferFormat(), "topic-id")
    for number in range(500):
        moment = MOMENT + timedelta(hours=number)
        made = one(source, moment)
        read = codec.read(record(made.value))
        assert read.account.encode() == made.key
        assert read.amount == Decimal(members(made)["amount"])
        assert read.timestamp == moment.replace(microsecond=123_000)
        assert not read.attributes


@pytest.mark.parametrize("zone", ["Asia/Seoul", "UTC", "America/New_York"])
def test_every_payment_is_one_that_the_codec_reads(zone: str) -> None:
    """Written and read with the same time zone, a payment has the second it was made in."""
    source = PaymentSource(seeded(11), ZoneInfo(zone))
    codec = Codec(PaymentFormat(ZoneInfo(zone), "KRW"), "topic-id")
    for number in range(500):
        moment = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC) + timedelta(hours=7 * number)
        made = one(source, moment)
        read = codec.read(record(made.value))
        assert read.account.encode() == made.key
        assert read.amount == members(made)["AMOUNT"]
        assert abs(read.timestamp - moment) <= timedelta(hours=1)
        assert not read.attributes


def test_a_day_ends_where_the_wall_clock_says() -> None:
    """In the evening of UTC it is the next day in Seoul."""
    made = one(PaymentSource(seeded(1), SEOUL), datetime(2026, 12, 31, 15, 0, 0, tzinfo=UTC))
    found = members(made)
    assert (found["DATE"], found["TIME"]) == ("01/01/2027", "00:00:00")
    assert PAYMENTS.read(record(made.value)).timestamp == datetime(2026, 12, 31, 15, 0, 0, tzinfo=UTC)


def test_the_two_dialects_are_told_apart_by_their_codecs() -> None:
    """A transfer is no payment and a payment is no transfer."""
    assert TRANSFERS.read(record(one(TransferSource(seeded(1), "EUR"), MOMENT).value)).source
    assert PAYMENTS.read(record(one(PaymentSource(seeded(1), SEOUL), MOMENT).value)).source is None
