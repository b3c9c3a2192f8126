"""Made-up transactions in either dialect. Pure: the source of chance and the moment are handed in.

Their JSON is put together from parts, byte by byte what an encoder writes: no object is made that is only encoded and
thrown away. All but the time is drawn ahead in blocks of one size, so that the same seed makes the same transactions
however many are asked for at a time.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

from generator.drawing import Amounts, accounts, ids
from pipeline.contracts.money import decimals_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from random import Random
    from zoneinfo import ZoneInfo

LEAST: Final = 1
MOST: Final = 1000

PAYMENT_TYPES: Final = ("VISA", "MASTERCARD", "BITCOIN")
PAYEES: Final = ("me", "mom", "dad", "friend", "stranger")
MOST_PAYMENT: Final = 100

BLOCK: Final = 256


class Generated(NamedTuple):
    """A transaction ready to be sent: ``key`` is its account, which keeps the account's transactions in order."""

    key: bytes
    value: bytes


Made_co = TypeVar("Made_co", covariant=True)


class Source(Protocol[Made_co]):
    """Makes one transaction after the other; the same seed makes the same ones, but for their time."""

    def make(self, moment: datetime, count: int) -> Sequence[Made_co]:
        """Return the next so many transactions, all of an aware UTC moment."""
        ...


class TransferSource:
    """Transfers of 1 to 1000, every cent (or what the currency has) equally likely, between accounts all new."""

    def __init__(self, chance: Random, currency: str) -> None:
        self._chance = chance
        self._amounts = Amounts(LEAST, MOST, decimals_of(currency))
        self._end = b',"currency":"%b"}' % currency.encode()
        self._drawn = self._draw()

    def make(self, moment: datetime, count: int) -> list[Generated]:
        """Return the next transfers."""
        time = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
        after_id, end = b'","timestamp":"%b","source":"' % time, self._end
        return [
            Generated(source, b"".join((_ID, number, after_id, source, _TARGET, target, _AMOUNT, amount, end)))
            for number, source, target, amount in islice(self._drawn, count)
        ]

    def _draw(self) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
        chance = self._chance
        while True:
            drawn = ids(chance, BLOCK), accounts(chance, BLOCK), accounts(chance, BLOCK)
            yield from zip(*drawn, self._amounts.draw(chance, BLOCK), strict=True)


class PaymentSource:
    """Payments of 0 to 100 to a few payees; DATE and TIME are those of a wall clock in ``timezone``."""

    def __init__(self, chance: Random, timezone: ZoneInfo) -> None:
        self._chance = chance
        self._timezone = timezone
        self._amounts = Amounts(0, MOST_PAYMENT, 0)
        self._drawn = self._draw()

    def make(self, moment: datetime, count: int) -> list[Generated]:
        """Return the next payments."""
        local = moment.astimezone(self._timezone)
        after_id = local.strftime('","DATE":"%m/%d/%Y","TIME":"%H:%M:%S","PAYMENT_TYPE":"').encode()
        return [
            Generated(payee, b"".join((_ID, number, after_id, kind, _PAID, amount, _TO, payee, b'"}')))
            for number, payee, kind, amount in islice(self._drawn, count)
        ]

    def _draw(self) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
        chance = self._chance
        payees, kinds = [name.encode() for name in PAYEES], [name.encode() for name in PAYMENT_TYPES]
        while True:
            drawn = ids(chance, BLOCK), chance.choices(payees, k=BLOCK), chance.choices(kinds, k=BLOCK)
            yield from zip(*drawn, self._amounts.draw(chance, BLOCK), strict=True)


_ID: Final = b'{"transaction_id":"'
_TARGET: Final = b'","target":"'
_AMOUNT: Final = b'","amount":'
_PAID: Final = b'","AMOUNT":'
_TO: Final = b',"TO":"'
