"""Made-up transactions in either dialect. Pure: the source of chance and the moment are handed in."""

from __future__ import annotations

import string
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec

from pipeline.contracts.money import decimals_of

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random
    from zoneinfo import ZoneInfo

ACCOUNT_CHARACTERS: Final = string.ascii_letters + string.digits
ACCOUNT_LENGTH: Final = 12
LEAST: Final = 1
MOST: Final = 1000

PAYMENT_TYPES: Final = ("VISA", "MASTERCARD", "BITCOIN")
PAYEES: Final = ("me", "mom", "dad", "friend", "stranger")
MOST_PAYMENT: Final = 100

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Generated(NamedTuple):
    """A transaction ready to be sent: ``key`` is its account, which keeps the account's transactions in order."""

    key: bytes
    value: bytes


class Source(Protocol):
    """Makes one transaction after the other; the same seed makes the same ones, but for their time."""

    def make(self, moment: datetime) -> Generated:
        """Return the next transaction, as of an aware UTC moment."""
        ...


def _transaction_id(chance: Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


class TransferSource:
    """Transfers of 1 to 1000, every cent (or what the currency has) equally likely, between accounts all new."""

    def __init__(self, chance: Random, currency: str) -> None:
        self._chance = chance
        self._currency = currency
        self._decimals = decimals_of(currency)

    def make(self, moment: datetime) -> Generated:
        """Return the next transfer."""
        chance = self._chance
        source = "".join(chance.choices(ACCOUNT_CHARACTERS, k=ACCOUNT_LENGTH))
        value = {
            "transaction_id": _transaction_id(chance),
            "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "source": source,
            "target": "".join(chance.choices(ACCOUNT_CHARACTERS, k=ACCOUNT_LENGTH)),
            "amount": Decimal(chance.randint(LEAST * 10**self._decimals, MOST * 10**self._decimals)).scaleb(
                -self._decimals
            ),
            "currency": self._currency,
        }
        return Generated(source.encode(), _encode(value))


class PaymentSource:
    """Payments of 0 to 100 to a few payees; DATE and TIME are those of a wall clock in ``timezone``."""

    def __init__(self, chance: Random, timezone: ZoneInfo) -> None:
        self._chance = chance
        self._timezone = timezone

    def make(self, moment: datetime) -> Generated:
        """Return the next payment."""
        chance = self._chance
        local = moment.astimezone(self._timezone)
        payee = chance.choice(PAYEES)
        value = {
            "transaction_id": _transaction_id(chance),
            "DATE": local.strftime("%m/%d/%Y"),
            "TIME": local.strftime("%H:%M:%S"),
            "PAYMENT_TYPE": chance.choice(PAYMENT_TYPES),
            "AMOUNT": chance.randint(0, MOST_PAYMENT),
            "TO": payee,
        }
        return Generated(payee.encode(), _encode(value))
