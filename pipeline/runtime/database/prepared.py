"""Statements of every batch: SQLAlchemy makes their text once, and the driver gets it with rows as they are.

What SQLAlchemy does for a statement each time (its key in a cache, a dictionary of parameters a row, their order) takes
longer than a small batch takes the database. Rows are tuples, and their values what both drivers take: numbers, text,
bytes, truth. What is selected comes as drivers give it: truth is a number on SQLite.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

from pipeline.runtime.database.engine import POSTGRESQL, SQLITE
from pipeline.runtime.database.slices import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import BindParameter, Connection, Dialect, Executable

# As their drivers take parameters that have places and no names.
_DIALECTS: Final[Mapping[str, Dialect]] = {
    SQLITE: sqlite.dialect(),
    POSTGRESQL: psycopg.dialect(paramstyle="format"),  # type: ignore[no-untyped-call]
}


class Prepared:
    """A statement, with the names of its parameters in the order in which rows have them.

    Where databases say it in different ways, it is made by a function of the name of the dialect.
    """

    def __init__(self, statement: Executable | Callable[[str], Executable], names: Sequence[str]) -> None:
        self._statement = statement
        self._names = tuple(names)
        self._texts: dict[str, str] = {}

    def text(self, dialect: str) -> str:
        """Return what is sent to a database.

        Raises:
            ValueError: the text has other parameters, or has them in another order.

        """
        made: Any = self._statement(dialect) if callable(self._statement) else self._statement
        compiled = made.compile(dialect=_DIALECTS[dialect], column_keys=self._names if made.is_insert else None)
        if tuple(compiled.positiontup or ()) != self._names:
            raise ValueError(f"parameters are {compiled.positiontup} and not {self._names} in: {compiled}")
        return str(compiled)

    def rows(self, connection: Connection, values: Sequence[object]) -> Sequence[Sequence[Any]]:
        """Return what a question finds, asked with one row of parameters."""
        return connection.exec_driver_sql(self._on(connection), tuple(values)).all()

    def all(self, connection: Connection, rows: Sequence[tuple[object, ...]]) -> int:
        """Carry it out for every row, of which there is one at least, and return how many rows were concerned."""
        return connection.exec_driver_sql(self._on(connection), list(rows)).rowcount

    def _on(self, connection: Connection) -> str:
        name = connection.dialect.name
        text = self._texts.get(name)
        if text is None:
            text = self._texts[name] = self.text(name)
        return text


class Several:
    """A question about several values, at most as many as a slice has; ``asking`` makes it of their parameters.

    There is a statement for each of a few numbers of values, so that databases know it again; what is left over of one
    is filled up with the last value.
    """

    def __init__(self, asking: Callable[[Sequence[BindParameter[Any]]], Executable]) -> None:
        self._by_size: dict[int, Prepared] = {}
        for size in (1, 8, 32, 128, AT_ONCE):
            names = [f"value_{number}" for number in range(size)]
            self._by_size[size] = Prepared(asking([bindparam(name) for name in names]), names)

    def rows(self, connection: Connection, values: Sequence[object]) -> Sequence[Sequence[Any]]:
        """Return what the question finds about these values, of which there is one at least."""
        size = next(size for size in self._by_size if size >= len(values))
        return self._by_size[size].rows(connection, [*values, *repeat(values[-1], size - len(values))])
