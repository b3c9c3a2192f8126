"""Cases in files, for tests."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fraud_processor.__main__ import MIGRATIONS
from fraud_processor.cases.alert import Alert
from fraud_processor.cases.store import Cases
from pipeline.runtime.database.engine import database_url, open_engine
from pipeline.runtime.database.migrating import migrate
from pipeline.runtime.service import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine

DAY_US = 86_400_000_000


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Yield a database of cases."""
    engine = open_engine(database_url(url))
    try:
        migrate(engine, MIGRATIONS)
        yield engine
    finally:
        engine.dispose()


def cases_in(engine: Engine, window_us: int = DAY_US, floors: Mapping[str, int] | None = None) -> Cases:
    """Return the cases of a database, as a process has them that has just started."""
    return Cases(engine, window_us, floors or {}, Source("cluster", "topic", "streaming.transactions.fraud"))


def put_frauds(engine: Engine, *accounts: str, target: str = "B") -> None:
    """Save a fraud for each account, each of which makes a case."""
    alerts = [
        Alert(0, number, json.dumps({"source": name}), name, name, target, "1.00", "EUR", number, 2, 100, [], b"\xff{}")
        for number, name in enumerate(accounts)
    ]
    cases_in(engine).save({}, {0: len(accounts)}, alerts)
