"""Ledgers in files, for tests."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from legit_processor.__main__ import MIGRATIONS
from legit_processor.ledger.store import Ledger
from pipeline.runtime.database.engine import database_url, open_engine
from pipeline.runtime.database.migrating import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def opened(path: Path, topic_id: str = "topic") -> Iterator[Ledger]:
    """Yield the ledger in a file, as a process has it that has just started."""
    engine = open_engine(database_url(f"sqlite:///{path}"))
    try:
        migrate(engine, MIGRATIONS)
        yield Ledger(engine, "cluster", topic_id, "streaming.transactions.legit")
    finally:
        engine.dispose()
