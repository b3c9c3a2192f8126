"""Cases: their alerts with what hit them, what people did, what has to be sent, and how far they go."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    _logs()
    _cases()
    _alerts()
    _outbox()


def _logs() -> None:
    op.create_table(
        "logs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("cluster", sa.String(64), nullable=False),
        sa.Column("topic_id", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(249), nullable=False),
        sa.UniqueConstraint("cluster", "topic_id"),
    )
    op.create_table(
        "watermarks",
        sa.Column("log", sa.Integer, sa.ForeignKey("logs.id"), primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("subject_hash", sa.LargeBinary(16), nullable=False),
        sa.Column("gathers", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("alerts", sa.Integer, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
    )
    gathers = sa.column("gathers", sa.Boolean).is_(True)
    op.create_index(
        "cases_gathering", "cases", ["subject_hash"], unique=True, sqlite_where=gathers, postgresql_where=gathers
    )
    op.create_index("cases_by_state", "cases", ["state", "last"])
    op.create_table(
        "steps",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_index("steps_of_case", "steps", ["case_id", "id"])


def _alerts() -> None:
    op.create_table(
        "alerts",
        *_place(),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("transaction_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("amount", sa.Text, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("key", sa.LargeBinary),
        sa.Column("record_ms", sa.BigInteger, nullable=False),
        sa.Column("origin", sa.String(40), nullable=False),
    )
    op.create_index("alerts_of_case", "alerts", ["case_id", "time"])
    op.create_index("alerts_by_time", "alerts", ["time"])
    op.create_index("alerts_by_transaction", "alerts", ["transaction_id"])
    op.create_table(
        "hits",
        *_place(),
        sa.Column("number", sa.SmallInteger, primary_key=True),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("counted", sa.Boolean, nullable=False),
    )


def _outbox() -> None:
    op.create_table(
        "notices",
        sa.Column("case_id", sa.Integer, sa.ForeignKey("cases.id"), primary_key=True),
        sa.Column("outlet", sa.String(80), primary_key=True),
        sa.Column("waits", sa.Boolean, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
    )
    waits = sa.column("waits", sa.Boolean).is_(True)
    op.create_index("notices_waiting", "notices", ["outlet", "due_at"], sqlite_where=waits, postgresql_where=waits)
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(120), nullable=False, unique=True),
        sa.Column("outlet", sa.String(80), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("queued_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("error", sa.Text, nullable=False),
    )
    waiting = sa.column("sent_at", sa.BigInteger).is_(None)
    op.create_index("outbox_waiting", "outbox", ["outlet", "due_at"], sqlite_where=waiting, postgresql_where=waiting)


def _place() -> "list[sa.Column[int]]":
    return [
        sa.Column("log", sa.Integer, sa.ForeignKey("logs.id"), primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("offset", sa.BigInteger, primary_key=True),
    ]
