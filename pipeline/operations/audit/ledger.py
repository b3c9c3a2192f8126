"""What the ledger says was settled: each record of the legit branch is a booking or a repeat, and has its row once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from pipeline.contracts.ledger import BOOKINGS, LOGS, REPEATS
from pipeline.operations.audit.effects import Done
from pipeline.operations.audit.places import Places, both, no_places, union
from pipeline.runtime.database.engine import begun

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

    from pipeline.contracts.topics import Topic

AT_ONCE: Final = 10_000  # rows


class ByLedger:
    """Asks the ledger of the legit processor.

    It is asked when all topics are read, so what was committed in Kafka before is in it: the database goes first.
    """

    method = "by the ledger"

    def __init__(self, engine: Engine, cluster: str, topic_id: str) -> None:
        """Take the ids of the cluster and of the legit topic, by which the ledger knows its log."""
        self._engine = engine
        self._same = (LOGS.c.cluster == cluster) & (LOGS.c.topic_id == topic_id)

    def done(self, branch: Topic, records: Places, letters: Places) -> Done:  # noqa: ARG002 (rows say it all)
        """Return what has a row; see :class:`~pipeline.operations.audit.effects.Effects`.

        Raises:
            EffectsError: the database does not answer.

        """
        with begun(self._engine, reading=True) as connection:
            booked, repeated = (self._places(connection, table) for table in (BOOKINGS, REPEATS))
        return Done(union(booked, repeated), both(booked, repeated))

    def _places(self, connection: Connection, table: Table) -> Places:
        found = no_places()
        wanted = select(table.c.partition, table.c.offset).join(LOGS, LOGS.c.id == table.c.log).where(self._same)
        for rows in connection.execution_options(yield_per=AT_ONCE).execute(wanted).partitions():
            for partition, offset in rows:
                found[partition].add(offset)
        return found
