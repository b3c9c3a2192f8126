"""Which databases there are: read by who owns one, and by the audit."""

from __future__ import annotations

from typing import Final

from pipeline.runtime.database.engine import database_url
from pipeline.runtime.environment import Variable

_WHERE: Final = (
    "sqlite:/// and a path, or postgresql://user:password@host:port/name. An audit asks it only where it is set."
)

LEDGER_DATABASE_URL: Final = Variable(
    "LEDGER_DATABASE_URL",
    database_url,
    "sqlite:///data/ledger.sqlite",
    f"The database that holds the ledger: {_WHERE}",
    secret=True,
)
CASES_DATABASE_URL: Final = Variable(
    "CASES_DATABASE_URL",
    database_url,
    "sqlite:///data/cases.sqlite",
    f"The database that holds cases and alerts: {_WHERE}",
    secret=True,
)
