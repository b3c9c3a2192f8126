"""Which databases there are: read by who owns one, and by the audit."""

from __future__ import annotations

from typing import Final

from pipeline.runtime.database.engine import database_url
from pipeline.runtime.environment import Variable

LEDGER_DATABASE_URL: Final = Variable(
    "LEDGER_DATABASE_URL",
    database_url,
    "sqlite:///data/ledger.sqlite",
    "The database that holds the ledger: sqlite:/// and a path, or postgresql://user:password@host:port/name. An audit "
    "asks it only where it is set.",
    secret=True,
)
