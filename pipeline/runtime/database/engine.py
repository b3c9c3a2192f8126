"""Connections to a database by its URL: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    DBAPIError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as AllConnectionsTakenError

from pipeline.errors import PipelineError
from pipeline.runtime.transactional.effects import EffectsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
DRIVERS: Final = {SQLITE: "sqlite+pysqlite", POSTGRESQL: "postgresql+psycopg"}
# Another process may hold the file for as long as a batch takes to be saved; the disk decides how long that is.
BUSY_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 5
STATEMENT_MS: Final = 20_000
_READING: Final = "pipeline_reading"
# What PostgreSQL takes for a fault of the program, and is one of the database: a table or a right that is not there.
_NOT_THERE: Final = frozenset({"42P01", "42501"})


def database_url(value: str) -> str:
    """Accept the URL of a database: ``sqlite:///path``, or ``postgresql://user:password@host/name``.

    Raises:
        ValueError: it is none of those.

    """
    expected = "sqlite:/// and a path, or postgresql://user:password@host:port/name"
    try:
        url = make_url(value)
    except ArgumentError:
        raise ValueError(expected) from None
    kind = url.get_backend_name()
    if kind not in DRIVERS or url.drivername not in {kind, DRIVERS[kind]}:
        raise ValueError(expected)
    if kind == SQLITE and url.database in {None, "", ":memory:"}:
        raise ValueError(f"{expected}; what is in memory is gone with the process")
    return url.set(drivername=DRIVERS[kind]).render_as_string(hide_password=False)


def shown(url: str) -> str:
    """Return a URL for people: without its password."""
    return make_url(url).render_as_string(hide_password=True)


def is_missing(url: str) -> bool:
    """Tell whether a database in a file is not there yet; to look into it would make it."""
    found = make_url(url)
    return found.get_backend_name() == SQLITE and not Path(found.database or "").exists()


class DatabaseFolderError(PipelineError):
    """There is no folder for the file of a database, and none can be made."""


def open_engine(url: str) -> Engine:
    """Return connections to a database; nothing is asked of it yet, but the folder of a file is made.

    Raises:
        DatabaseFolderError: it cannot be.

    """
    kind = make_url(url).get_backend_name()
    # The connection that was used last is taken next: it has its pages and its statements at hand.
    if kind == SQLITE:
        folder = Path(make_url(url).database or "").resolve().parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseFolderError(f"{folder} cannot be made for {shown(url)}: {error.strerror}") from error
        arguments: dict[str, Any] = {"timeout": BUSY_SECONDS, "isolation_level": None}
        engine = create_engine(url, connect_args=arguments, pool_timeout=BUSY_SECONDS, pool_use_lifo=True)
        event.listen(engine, "connect", _prepared)
        event.listen(engine, "begin", _immediately)
        return engine
    options = f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={STATEMENT_MS}"
    arguments = {"connect_timeout": CONNECT_SECONDS, "options": options}
    return create_engine(url, connect_args=arguments, pool_pre_ping=True, pool_timeout=BUSY_SECONDS, pool_use_lifo=True)


def _prepared(connection: Any, _record: object) -> None:  # noqa: ANN401 (of the driver)
    # Readers and one writer do not wait for each other; a commit is on the disk before it is answered.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _immediately(connection: Connection) -> None:
    # Who begins to write while another does waits for its turn, and not until its first row is refused.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(_READING) else "BEGIN IMMEDIATE")


@contextmanager
def begun(engine: Engine, *, reading: bool = False) -> Iterator[Connection]:
    """Yield a connection in a transaction, which is committed at the end; who is only ``reading`` holds up no writer.

    Raises:
        EffectsError: the database is away, busy, full or broken, or another process was faster: try again.

    """
    try:
        with engine.connect() as connection:
            if reading:
                connection.execution_options(**{_READING: True})
            with connection.begin():
                yield connection
    except (InterfaceError, DatabaseError, AllConnectionsTakenError) as error:
        if _is_ours(error):
            raise
        told = " ".join(str((isinstance(error, DBAPIError) and error.orig) or error.args[0]).split())
        raise EffectsError(f"{shown(engine.url.render_as_string(hide_password=False))}: {told[:300]}") from error


def _is_ours(error: Exception) -> bool:
    """Tell whether it is the program that is wrong: trying again would not help."""
    if isinstance(error, ProgrammingError):
        return getattr(error.orig, "sqlstate", None) not in _NOT_THERE
    return isinstance(error, DataError | NotSupportedError)
