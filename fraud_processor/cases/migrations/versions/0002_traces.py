"""The trace of which an alert is a part, and the message about it: none where no traces are made."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add a column to both."""
    for table in ("alerts", "outbox"):
        op.add_column(table, sa.Column("trace", sa.String(60)))
