"""The two dialects: what each member becomes, and which times are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.codec import Codec
from pipeline.contracts.formats import FORMAT_NAMES, PaymentFormat, TransferFormat
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.messages import Transaction
from pipeline.contracts.moments import EPOCH, moment_of
from tests.unit.samples import PAYMENTS, TIMESTAMP_MS, TRANSFERS, payment, record, transfer

RECORD_TIME = EPOCH + timedelta(milliseconds=TIMESTAMP_MS)


def test_a_transfer_becomes_a_transaction() -> None:
    """Every member of a transfer has its field, and nothing is left over."""
    assert TRANSFERS.read(record(transfer())) == Transaction(
        id="topic-id-3-41",
        source="aB3dE5gH7jK9",
        target="zY8xW6vU4tS2",
        amount=Decimal("231.67"),
        currency="EUR",
        timestamp=RECORD_TIME,
        method="TRANSFER",
        attributes={},
    )


def test_a_payment_becomes_a_transaction() -> None:
    """A payment names no payer; its currency comes from the settings and its time is that of Seoul."""
    assert PAYMENTS.read(record(payment())) == Transaction(
        id="topic-id-3-41",
        source=None,
        target="mom",
        amount=Decimal(12),
        currency="KRW",
        timestamp=datetime(2026, 11, 22, 5, 5, 9, tzinfo=UTC),
        method="VISA",
        attributes={},
    )


def test_the_account_is_the_source_else_the_target() -> None:
    """Whose order is kept is told by the payer, and by the payee where there is none."""
    assert TRANSFERS.read(record(transfer())).account == "aB3dE5gH7jK9"
    assert PAYMENTS.read(record(payment())).account == "mom"


def test_members_that_nobody_knows_are_kept() -> None:
    """What a dialect has no field for stays with the transaction, exact to the digit."""
    extra = {"note": "n", "fee": 0.1, "tags": ["a", None], "geo": {"lat": 1}}
    expected = {"note": "n", "fee": Decimal("0.1"), "tags": ["a", None], "geo": {"lat": 1}}
    assert TRANSFERS.read(record(transfer(**extra))).attributes == expected
    assert PAYMENTS.read(record(payment(**extra))).attributes == expected


def test_members_of_the_other_dialect_are_merely_kept() -> None:
    """A transfer with a payment's members is a transfer, whatever those hold."""
    assert TRANSFERS.read(record(transfer(AMOUNT="x", TO=1))).attributes == {"AMOUNT": "x", "TO": 1}
    assert PAYMENTS.read(record(payment(amount="x", timestamp=1))).attributes == {"amount": "x", "timestamp": 1}


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-22T14:05:09Z", datetime(2026, 11, 22, 14, 5, 9, tzinfo=UTC)),
        ("2026-11-22T14:05:09.123Z", datetime(2026, 11, 22, 14, 5, 9, 123_000, tzinfo=UTC)),
        ("2026-11-22T14:05:09+09:00", datetime(2026, 11, 22, 5, 5, 9, tzinfo=UTC)),
        ("2026-11-22T00:30:00-05:30", datetime(2026, 11, 22, 6, 0, 0, tzinfo=UTC)),
        ("2026-11-22 14:05:09+00:00", datetime(2026, 11, 22, 14, 5, 9, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_stated_time_is_brought_to_utc(written: str, moment: datetime) -> None:
    """Any offset is understood, Z included."""
    found = TRANSFERS.read(record(transfer(timestamp=written))).timestamp
    assert found == moment
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-22T14:05:09",
        "2026-11-22",
        "14:05:09Z",
        "yesterday",
        "",
        "2026-13-22T14:05:09Z",
        "2026-11-22T25:05:09Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "99999999999999999999-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-11-22T14:05:09+99:00",
        "\U0001f600" * 20,
        "9" * 10_000,
    ],
    ids=lambda written: repr(written[:24]),
)
def test_a_stated_time_that_is_no_moment_is_refused(written: str) -> None:
    """Without an offset, outside of the calendar or beyond it in UTC, a time is an invalid value."""
    with pytest.raises(InvalidMessageError) as refused:
        TRANSFERS.read(record(transfer(timestamp=written)))
    assert refused.value.reason == Reason.INVALID_VALUE


@pytest.mark.parametrize("wrong", [1795363200123, 1.5, True, ["2026-11-22T14:05:09Z"], {}])
def test_a_stated_time_of_another_type_is_refused(wrong: object) -> None:
    """Numbers are no times: nobody could tell seconds from milliseconds."""
    with pytest.raises(InvalidMessageError) as refused:
        TRANSFERS.read(record(transfer(timestamp=wrong)))
    assert refused.value.reason == Reason.WRONG_TYPE


@given(st.text(max_size=40))
def test_any_stated_time_is_a_moment_or_an_invalid_value(written: str) -> None:
    """No text makes the calendar fail in another way."""
    try:
        assert TRANSFERS.read(record(transfer(timestamp=written))).timestamp.utcoffset() == timedelta(0)
    except InvalidMessageError as error:
        assert error.reason == Reason.INVALID_VALUE  # noqa: PT017 (either is right)


@given(st.datetimes(timezones=st.timezones()))
def test_every_moment_of_any_time_zone_survives(moment: datetime) -> None:
    """Whatever zone a producer lives in, its time is the same moment in UTC, or refused where UTC has no such year."""
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        expected = None
    written = moment.isoformat()
    if moment.utcoffset() is None or moment.utcoffset() != datetime.fromisoformat(written).utcoffset():
        return
    try:
        found = TRANSFERS.read(record(transfer(timestamp=written))).timestamp
    except InvalidMessageError:
        found = None
    assert found == expected


def test_without_a_stated_time_the_records_own_counts() -> None:
    """A producer that states no time is dated by its record, to the millisecond."""
    assert TRANSFERS.read(record(transfer(), timestamp_ms=1_500)).timestamp == EPOCH + timedelta(seconds=1.5)


@pytest.mark.parametrize("timestamp_ms", [-1, -(2**63), 2**63 - 1])
def test_a_record_time_that_no_calendar_holds_is_brought_to_the_nearest(timestamp_ms: int) -> None:
    """Records without a time, and those from far beyond the year 9999, have a moment all the same."""
    expected = EPOCH if timestamp_ms < 0 else datetime(9999, 12, 31, tzinfo=UTC)
    assert moment_of(timestamp_ms) == expected
    assert TRANSFERS.read(record(transfer(), timestamp_ms=timestamp_ms)).timestamp == expected


@pytest.mark.parametrize(
    ("date", "time", "moment"),
    [
        ("11/22/2026", "14:05:09", datetime(2026, 11, 22, 5, 5, 9, tzinfo=UTC)),
        ("01/01/2026", "08:59:59", datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("1/2/2026", "9:00:00", datetime(2026, 1, 2, 0, 0, 0, tzinfo=UTC)),
        ("02/29/2024", "12:00:00", datetime(2024, 2, 29, 3, 0, 0, tzinfo=UTC)),
    ],
)
def test_date_and_time_of_a_payment_are_those_of_seoul(date: str, time: str, moment: datetime) -> None:
    """Month comes before day, and Seoul is nine hours ahead of UTC."""
    assert PAYMENTS.read(record(payment(DATE=date, TIME=time))).timestamp == moment


def test_another_time_zone_gives_another_moment() -> None:
    """The zone and the currency of payments are settings, and summer time is known."""
    york = Codec(PaymentFormat(ZoneInfo("America/New_York"), "USD"), "topic-id")
    winter = york.read(record(payment()))
    assert winter.timestamp == datetime(2026, 11, 22, 19, 5, 9, tzinfo=UTC)
    assert (str(winter.amount), winter.currency) == ("12.00", "USD")
    summer = york.read(record(payment(DATE="07/22/2026")))
    assert summer.timestamp == datetime(2026, 7, 22, 18, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "time"),
    [
        ("22/11/2026", "14:05:09"),
        ("2026-11-22", "14:05:09"),
        ("02/30/2026", "14:05:09"),
        ("11/22/26", "14:05:09"),
        ("11/22/0000", "14:05:09"),
        ("11/22/10000", "14:05:09"),
        ("01/01/0001", "00:00:00"),
        ("11/22/2026", "24:00:00"),
        ("11/22/2026", "14:05:60"),
        ("11/22/2026", "14:05"),
        ("11/22/2026", "2 PM"),
        ("11/22/2026 14:05:09", "x"),
        ("today", "now"),
    ],
)
def test_date_and_time_that_are_no_moment_are_refused(date: str, time: str) -> None:
    """Other orders, dates that no month has and years that UTC has not are invalid values."""
    with pytest.raises(InvalidMessageError) as refused:
        PAYMENTS.read(record(payment(DATE=date, TIME=time)))
    assert refused.value.reason == Reason.INVALID_VALUE


def test_the_formats_have_the_names_of_the_settings() -> None:
    """TRANSACTION_FORMAT chooses between exactly these."""
    assert FORMAT_NAMES == (TransferFormat.name, PaymentFormat.name) == ("transfer", "payment")
