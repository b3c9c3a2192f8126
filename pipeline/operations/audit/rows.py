"""What a database says was done with the records of a branch: each has its row once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import inspect, select

from pipeline.operations.audit.effects import Done
from pipeline.operations.audit.places import Places, both, no_places, union
from pipeline.runtime.database.engine import begun

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

    from pipeline.contracts.topics import Topic

AT_ONCE: Final = 10_000  # rows


class Kept(NamedTuple):
    """Where a processor keeps what it did: a row of one of ``tables`` for each record. ``logs`` tells logs apart."""

    method: str
    logs: Table
    tables: tuple[Table, ...]


class ByRows:
    """Asks the database of a processor; one without tables, or none at all, has no row.

    It is asked when all topics are read, so what was committed in Kafka before is in it: the database goes first.
    """

    def __init__(self, kept: Kept, engine: Engine | None, cluster: str, topic_id: str) -> None:
        """Take the ids of the cluster and of the branch's topic, by which the database knows its log."""
        self.method = kept.method
        self._kept, self._engine = kept, engine
        self._same = (kept.logs.c.cluster == cluster) & (kept.logs.c.topic_id == topic_id)

    def done(self, branch: Topic, records: Places, letters: Places) -> Done:  # noqa: ARG002 (rows say it all)
        """Return what has a row; see :class:`~pipeline.operations.audit.effects.Effects`.

        Raises:
            EffectsError: the database does not answer.

        """
        once, twice = no_places(), no_places()
        if self._engine is None:
            return Done(once, twice)
        with begun(self._engine, reading=True) as connection:
            if not inspect(connection).has_table(self._kept.logs.name):
                return Done(once, twice)
            for table in self._kept.tables:
                found = self._places(connection, table)
                once, twice = union(once, found), union(twice, both(once, found))
        return Done(once, twice)

    def _places(self, connection: Connection, table: Table) -> Places:
        found, logs = no_places(), self._kept.logs
        wanted = select(table.c.partition, table.c.offset).join(logs, logs.c.id == table.c.log).where(self._same)
        for rows in connection.execution_options(yield_per=AT_ONCE).execute(wanted).partitions():
            for partition, offset in rows:
                found[partition].add(offset)
        return found
