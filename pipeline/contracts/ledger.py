"""The tables of the ledger: what its processor writes, and whoever audits it may rely on. Migrations make them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, SmallInteger, String, Table, Text

from pipeline.contracts.effect_tables import log_tables, place

METADATA: Final = MetaData()

# What was settled from, and behind which record of a partition everything is.
LOGS, MARKS = log_tables(METADATA)

# A payment that was settled. ``content`` is a hash of what makes it the same payment; ``at``, here and below, is its
# time in microseconds since 1970.
BOOKINGS: Final = Table(
    "bookings",
    METADATA,
    *place(),
    Column("transaction_id", Text, nullable=False, unique=True),
    Column("content", LargeBinary(16), nullable=False),
    Column("at", BigInteger, nullable=False),
)
# What it did to accounts, in minor units of a currency: a debit is below zero. The entries of a booking add up to zero.
ENTRIES: Final = Table(
    "entries",
    METADATA,
    *place(),
    Column("number", SmallInteger, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("account", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("minor", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("entries_of_account", "kind", "account", "at"),
)
# The same payment, sent once more.
REPEATS: Final = Table("repeats", METADATA, *place(), Column("transaction_id", Text, nullable=False))
# Another payment under the id of one that was booked: a dead letter.
REFUSALS: Final = Table(
    "refusals",
    METADATA,
    *place(),
    Column("transaction_id", Text, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("detail", Text, nullable=False),
)
