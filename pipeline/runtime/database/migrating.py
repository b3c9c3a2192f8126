"""Brings a database up to date: once, however many replicas start at the same time."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from pipeline.errors import PipelineError
from pipeline.runtime.database.engine import POSTGRESQL, begun

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

logger = logging.getLogger(__name__)
logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every look at the database

# Any number that nobody else takes; a lock of PostgreSQL that ends with the transaction.
LOCK: Final = 7_119_041_266
# Alembic keeps what it works on in a global: of two databases in one process the second waits.
_ONE_AT_A_TIME: Final = threading.Lock()


class NewerDatabaseError(PipelineError):
    """The database was brought up to date by a later release than this."""


def migrate(engine: Engine, scripts: Path) -> None:
    """Run the migrations in a folder that have not run yet, all in one transaction.

    Raises:
        NewerDatabaseError: the database knows migrations that are not there.
        EffectsError: the database is away, busy or full.

    """
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    known = ScriptDirectory.from_config(config)
    with _ONE_AT_A_TIME, begun(engine) as connection:
        # On SQLite the transaction itself keeps others out (see ``engine``).
        if engine.dialect.name == POSTGRESQL:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        before = MigrationContext.configure(connection).get_current_revision()
        if before is not None and before not in {one.revision for one in known.walk_revisions()}:
            raise NewerDatabaseError(
                f"{engine.url.render_as_string(hide_password=True)} is at migration {before}, which this release does "
                "not know: a later one was here. Run that, or restore a backup from before it"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    after = known.get_current_head()
    if before != after:
        logger.info("the database is at migration %s now", after)
