"""What the ledger says: balances, statements, and that all of it adds up to zero."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from legit_processor.ledger.booking import CUSTOMER
from pipeline.contracts.ledger import BOOKINGS, ENTRIES
from pipeline.contracts.moments import EPOCH, microseconds_of
from pipeline.contracts.money import decimals_of
from pipeline.runtime.database.names import stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection


class Balance(NamedTuple):
    """What an account has of a currency, and by how many entries."""

    currency: str
    amount: Decimal
    entries: int


class Line(NamedTuple):
    """One entry of an account; ``balance`` is what it has of that currency behind it."""

    moment: datetime
    transaction_id: str
    amount: Decimal
    currency: str
    balance: Decimal


class Total(NamedTuple):
    """All entries of a currency: their debits, their credits, and both together, which is zero."""

    currency: str
    debits: Decimal
    credits: Decimal
    sum: Decimal


def balances(connection: Connection, account: str) -> list[Balance]:
    """Return what a customer's account has, by currency; nothing where it has no entries."""
    columns = ENTRIES.c
    wanted = (
        select(columns.currency, _sum(columns.minor), func.count())
        .where(columns.kind == CUSTOMER, columns.account == stored(account))
        .group_by(columns.currency)
        .order_by(columns.currency)
    )
    return [Balance(currency, _major(minor, currency), count) for currency, minor, count in connection.execute(wanted)]


def statement(connection: Connection, account: str, since: datetime | None) -> Iterator[Line]:
    """Yield the entries of a customer's account in the order of their time, from a moment on."""
    columns = ENTRIES.c
    mine = (columns.kind == CUSTOMER) & (columns.account == stored(account))
    before: dict[str, int] = {}
    here = mine
    if since is not None:
        at = microseconds_of(since)
        earlier = select(columns.currency, _sum(columns.minor)).where(mine, columns.at < at).group_by(columns.currency)
        before = {currency: int(minor) for currency, minor in connection.execute(earlier)}
        here &= columns.at >= at
    of_booking = (
        (BOOKINGS.c.log == columns.log)
        & (BOOKINGS.c.partition == columns.partition)
        & (BOOKINGS.c.offset == columns.offset)
    )
    wanted = (
        select(columns.at, BOOKINGS.c.transaction_id, columns.currency, columns.minor)
        .join(BOOKINGS, of_booking)
        .where(here)
        .order_by(columns.at, columns.log, columns.partition, columns.offset, columns.number)
    )
    for at_us, name, currency, minor in connection.execute(wanted):
        before[currency] = before.get(currency, 0) + minor
        moment = EPOCH + timedelta(microseconds=at_us)
        yield Line(moment, name, _major(minor, currency), currency, _major(before[currency], currency))


def trial_balance(connection: Connection) -> list[Total]:
    """Return the sums of all entries by currency."""
    columns = ENTRIES.c
    debits = _sum(columns.minor).filter(columns.minor < 0)
    credited = _sum(columns.minor).filter(columns.minor > 0)
    wanted = select(columns.currency, debits, credited).group_by(columns.currency).order_by(columns.currency)
    found = []
    for currency, debit, credit in connection.execute(wanted):
        minors = (-(debit or 0), credit or 0, (debit or 0) + (credit or 0))
        found.append(Total(currency, *(_major(minor, currency) for minor in minors)))
    return found


def _sum(column: ColumnElement[int]) -> ColumnElement[int]:
    return func.sum(column)


def _major(minor: int | Decimal, currency: str) -> Decimal:
    return Decimal(int(minor)).scaleb(-decimals_of(currency))
