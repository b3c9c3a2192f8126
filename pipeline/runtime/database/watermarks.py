"""How far the effects in a database go, partition by partition of a log; see ``transactional.effects``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from pipeline.runtime.database.prepared import Prepared
from pipeline.runtime.transactional.effects import NotOursError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

    from pipeline.contracts.effect_tables import LogTables


class Watermarks:
    """The watermarks of logs, which are topics of clusters; effects name their log by its number in ``logs``."""

    def __init__(self, tables: LogTables) -> None:
        self.logs, self.marks = tables
        marks = self.marks
        self._new = Prepared(marks.insert(), ("log", "partition", "at"))
        here = (
            (marks.c.log == bindparam("of"))
            & (marks.c.partition == bindparam("which"))
            & (marks.c.at == bindparam("before"))
        )
        self._move = Prepared(marks.update().where(here).values(at=bindparam("end")), ("end", "of", "which", "before"))

    def log(self, connection: Connection, cluster: str, topic_id: str, topic: str) -> int:
        """Return the number of a log, which is new where it was not seen before."""
        logs = self.logs
        same = (logs.c.cluster == cluster) & (logs.c.topic_id == topic_id)
        found = connection.execute(select(logs.c.id).where(same)).scalar()
        if found is None:
            new = logs.insert().values(cluster=cluster, topic_id=topic_id, topic=topic).returning(logs.c.id)
            found = connection.execute(new).scalar_one()
        return int(found)

    def read(self, connection: Connection, log: int, partitions: Collection[int]) -> dict[int, int]:
        """Return the watermarks of those partitions that have one."""
        marks = self.marks
        wanted = select(marks.c.partition, marks.c.at).where(marks.c.log == log, marks.c.partition.in_(partitions))
        return {partition: at for partition, at in connection.execute(wanted)}  # noqa: C416 (rows are no pairs to mypy)

    def move(self, connection: Connection, log: int, before: Mapping[int, int], ends: Mapping[int, int]) -> None:
        """Set watermarks from where they were read to be; where there was none, they are new.

        Raises:
            NotOursError: one of them is not where it was read.
            IntegrityError: one of them is there already.

        """
        known, unknown = sorted(ends.keys() & before.keys()), sorted(ends.keys() - before.keys())
        moved = [(ends[partition], log, partition, before[partition]) for partition in known]
        new = [(log, partition, ends[partition]) for partition in unknown]
        if new:
            self._new.all(connection, new)
        if moved and self._move.all(connection, moved) != len(moved):
            raise NotOursError(self._told(connection, log, moved))

    def _told(self, connection: Connection, log: int, moved: Collection[tuple[int, ...]]) -> str:
        """Return of which partition it is known: those that were where they had been have moved by now."""
        found = self.read(connection, log, [partition for _, _, partition, _ in moved])
        others = [(partition, at) for end, _, partition, at in moved if found.get(partition) != end]
        which = ", ".join(f"partition {partition}: effects went to {at}" for partition, at in others)
        return f"{which or 'effects went as far'} when it was assigned to us, and another process has saved more since"
