"""The tables of cases: what the fraud processor writes, and an audit may rely on. Migrations make them.

Every ``..._at`` is a moment by the clock of whoever wrote it, every other time is that of transactions; both in
microseconds since 1970.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
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
)

from pipeline.contracts.effect_tables import log_tables, place

METADATA: Final = MetaData()

LOGS, MARKS = log_tables(METADATA)

# Alerts about one subject, for a person to look into. ``subject`` is who it is about, as JSON of fields and their
# values; ``subject_hash`` is of that. While a case ``gathers``, further alerts about its subject join it.
CASES: Final = Table(
    "cases",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("subject_hash", LargeBinary(16), nullable=False),
    Column("gathers", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("score", Integer, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
)
# Of each subject one case gathers, whoever opens it.
Index(
    "cases_gathering",
    CASES.c.subject_hash,
    unique=True,
    sqlite_where=CASES.c.gathers.is_(True),
    postgresql_where=CASES.c.gathers.is_(True),
)
Index("cases_by_state", CASES.c.state, CASES.c.last)

# One fraud: a transaction as it was judged. ``content`` is the record's value, byte for byte, with its verdict; ``key``
# and ``record_ms`` are the record's, ``origin`` is where the transaction entered, as coordinates,
# and ``trace`` the one that it is a part of, as a header says it.
ALERTS: Final = Table(
    "alerts",
    METADATA,
    *place(),
    Column("case_id", ForeignKey("cases.id"), nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("source", Text),
    Column("target", Text, nullable=False),
    Column("amount", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("score", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("key", LargeBinary),
    Column("record_ms", BigInteger, nullable=False),
    Column("origin", String(40), nullable=False),
    Column("trace", String(60)),
    Index("alerts_of_case", "case_id", "time"),
    Index("alerts_by_time", "time"),
    Index("alerts_by_transaction", "transaction_id"),
)
# The rules that hit it. ``counted``: the hit had a part in the verdict.
HITS: Final = Table(
    "hits",
    METADATA,
    *place(),
    Column("number", SmallInteger, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("score", Integer, nullable=False),
    Column("counted", Boolean, nullable=False),
)
# What people did to a case.
STEPS: Final = Table(
    "steps",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("cases.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Index("steps_of_case", "case_id", "id"),
)
# What an outlet was told of a case: so many ``messages``, of the first ``told`` of its alerts. While one ``waits``
# there is more to tell, from ``due_at`` on.
NOTICES: Final = Table(
    "notices",
    METADATA,
    Column("case_id", ForeignKey("cases.id"), primary_key=True),
    Column("outlet", String(80), primary_key=True),
    Column("waits", Boolean, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("told", Integer, nullable=False),
    Column("messages", Integer, nullable=False),
)
Index(
    "notices_waiting",
    NOTICES.c.outlet,
    NOTICES.c.due_at,
    sqlite_where=NOTICES.c.waits.is_(True),
    postgresql_where=NOTICES.c.waits.is_(True),
)
# What has to be sent to somebody outside of the database: ``key`` is the same however often it is sent. ``outlet``
# names to whom; ``due_at`` is when it is tried next, and no more where ``sent_at`` is set.
OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", String(120), nullable=False, unique=True),
    Column("outlet", String(80), nullable=False),
    Column("body", Text, nullable=False),
    Column("queued_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", BigInteger),
    Column("error", Text, nullable=False),
    Column("trace", String(60)),
)
Index(
    "outbox_waiting",
    OUTBOX.c.outlet,
    OUTBOX.c.due_at,
    sqlite_where=OUTBOX.c.sent_at.is_(None),
    postgresql_where=OUTBOX.c.sent_at.is_(None),
)
