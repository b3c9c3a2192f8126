"""Messages, records and codecs that unit tests start from; each test changes only what it is about."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from pipeline.contracts.codec import Codec
from pipeline.contracts.coordinates import Coordinates
from pipeline.contracts.formats import PaymentFormat, TransferFormat
from pipeline.contracts.messages import Hit, Transaction, Verdict
from pipeline.contracts.records import Record

if TYPE_CHECKING:
    from pipeline.contracts.headers import Header

TRANSFER: Final[dict[str, Any]] = {
    "source": "aB3dE5gH7jK9",
    "target": "zY8xW6vU4tS2",
    "amount": 231.67,
    "currency": "EUR",
}
PAYMENT: Final[dict[str, Any]] = {
    "DATE": "11/22/2026",
    "TIME": "14:05:09",
    "PAYMENT_TYPE": "VISA",
    "AMOUNT": 12,
    "TO": "mom",
}
TRANSFERS: Final = Codec(TransferFormat(), "topic-id")
PAYMENTS: Final = Codec(PaymentFormat(ZoneInfo("Asia/Seoul"), "KRW"), "topic-id")

ORIGIN: Final = Coordinates(3, 41)
TIMESTAMP_MS: Final = 1_795_363_200_123

HOSTILE: Final = "\x1b[2J\r\n[ALERT] forged\u202e\u2028\x00\x9b31m\ud800"


def transfer(**members: Any) -> bytes:
    """Return a valid transfer with members added or replaced."""
    return json.dumps(TRANSFER | members).encode()


def payment(**members: Any) -> bytes:
    """Return a valid payment with members added or replaced."""
    return json.dumps(PAYMENT | members).encode()


def transfer_of(amount: bytes) -> bytes:
    """Return a transfer whose amount is written exactly so."""
    return b'{"source": "a", "target": "b", "currency": "EUR", "amount": %b}' % amount


def record(  # noqa: PLR0913 (a record has that many parts)
    value: bytes | None,
    *,
    key: bytes | None = b"key",
    headers: tuple[Header, ...] = (),
    timestamp_ms: int = TIMESTAMP_MS,
    partition: int = 3,
    offset: int = 41,
    origin: Coordinates | None = ORIGIN,
) -> Record:
    """Return a record as it is read from the input topic."""
    return Record("input", partition, offset, timestamp_ms, key, value, headers, origin)


def transaction(**fields: Any) -> Transaction:
    """Return a transfer of 980.05 EUR with fields replaced."""
    chosen: dict[str, Any] = {
        "id": "t-1",
        "source": "aB3dE5gH7jK9",
        "target": "zY8xW6vU4tS2",
        "amount": Decimal("980.05"),
        "currency": "EUR",
        "timestamp": datetime(2026, 11, 22, 5, 5, 9, tzinfo=UTC),
        "method": "TRANSFER",
        "attributes": {},
    }
    return Transaction(**(chosen | fields))


def paid(method: str, target: str, amount: int) -> Transaction:
    """Return a payment, which names no payer."""
    return transaction(source=None, target=target, amount=Decimal(amount), currency="KRW", method=method)


def verdict(**fields: Any) -> Verdict:
    """Return the verdict on 980.05 EUR with fields replaced."""
    hit = Hit(rule="large-amount", severity="high", score=100, message="980.05 >= 900", values={"amount": "980.05"})
    chosen: dict[str, Any] = {"ruleset": "0123456789abcdef", "score": 100, "hits": [hit]}
    return Verdict(**(chosen | fields))
