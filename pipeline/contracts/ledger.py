"""The tables of the ledger: what its processor writes, and whoever audits it may rely on. Migrations make them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA: Final = MetaData()

# A topic of a cluster that was settled from. One that was deleted and made anew is another log.
LOGS: Final = Table(
    "logs",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("cluster", String(64), nullable=False),
    Column("topic_id", String(64), nullable=False),
    Column("topic", String(249), nullable=False),
    UniqueConstraint("cluster", "topic_id"),
)
# Behind which record of a partition everything is settled.
MARKS: Final = Table(
    "watermarks",
    METADATA,
    Column("log", ForeignKey("logs.id"), primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
)


def _place() -> list[Column[int]]:
    """Return where the record stands: the key of everything that came of it."""
    return [
        Column("log", ForeignKey("logs.id"), primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("offset", BigInteger, primary_key=True),
    ]


# A payment that was settled. ``content`` is a hash of what makes it the same payment; ``at``, here and below, is its
# time in microseconds since 1970.
BOOKINGS: Final = Table(
    "bookings",
    METADATA,
    *_place(),
    Column("transaction_id", Text, nullable=False, unique=True),
    Column("content", LargeBinary(16), nullable=False),
    Column("at", BigInteger, nullable=False),
)
# What it did to accounts, in minor units of a currency: a debit is below zero. The entries of a booking add up to zero.
ENTRIES: Final = Table(
    "entries",
    METADATA,
    *_place(),
    Column("number", SmallInteger, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("account", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("minor", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("entries_of_account", "kind", "account", "at"),
)
# The same payment, sent once more.
REPEATS: Final = Table("repeats", METADATA, *_place(), Column("transaction_id", Text, nullable=False))
# Another payment under the id of one that was booked: a dead letter.
REFUSALS: Final = Table(
    "refusals",
    METADATA,
    *_place(),
    Column("transaction_id", Text, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("detail", Text, nullable=False),
)
