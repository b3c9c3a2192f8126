"""Writes the ledger: batches of bookings, each with the watermarks of the partitions that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import select

from pipeline.contracts.effect_tables import LogTables
from pipeline.contracts.ledger import BOOKINGS, ENTRIES, LOGS, MARKS, REFUSALS, REPEATS
from pipeline.runtime.database.engine import begun
from pipeline.runtime.database.slices import slices
from pipeline.runtime.database.watermarks import Watermarks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection, Engine

    from legit_processor.ledger.booking import Entry

WATERMARKS: Final = Watermarks(LogTables(LOGS, MARKS))


class Place(NamedTuple):
    """Where a record stands in the log."""

    partition: int
    offset: int


class Booking(NamedTuple):
    """A payment that is settled; ``at_us`` is its time in microseconds since 1970."""

    place: Place
    transaction_id: str
    content: bytes
    at_us: int
    currency: str
    entries: Sequence[Entry]


class Repeat(NamedTuple):
    """A payment that was settled before."""

    place: Place
    transaction_id: str


class Refusal(NamedTuple):
    """A payment that is not settled, and why."""

    place: Place
    transaction_id: str
    reason: str
    detail: str


class Ledger:
    """The ledger of one log, which is a topic of a cluster.

    Raises:
        EffectsError: from every method, where the database is away, busy or full.

    """

    def __init__(self, engine: Engine, cluster: str, topic_id: str, topic: str) -> None:
        self._engine = engine
        with begun(engine) as connection:
            self._log = WATERMARKS.log(connection, cluster, topic_id, topic)

    def watermarks(self, partitions: Collection[int]) -> dict[int, int]:
        """Return behind which record the effects of each partition are saved, of those that have any."""
        with begun(self._engine, reading=True) as connection:
            return WATERMARKS.read(connection, self._log, partitions)

    def contents(self, ids: Collection[str]) -> dict[str, bytes]:
        """Return what was booked under these ids, by id."""
        found: dict[str, bytes] = {}
        with begun(self._engine, reading=True) as connection:
            for some in slices(sorted(ids)):
                wanted = select(BOOKINGS.c.transaction_id, BOOKINGS.c.content).where(
                    BOOKINGS.c.transaction_id.in_(some)
                )
                found.update((name, bytes(content)) for name, content in connection.execute(wanted))
        return found

    def refusals(self, partition: int, first: int, end: int) -> dict[Place, Refusal]:
        """Return the refusals of a stretch of a partition."""
        columns = REFUSALS.c
        within = (columns.offset >= first) & (columns.offset < end)
        here = (columns.log == self._log) & (columns.partition == partition) & within
        wanted = select(columns.offset, columns.transaction_id, columns.reason, columns.detail).where(here)
        with begun(self._engine, reading=True) as connection:
            return {
                Place(partition, offset): Refusal(Place(partition, offset), name, reason, detail)
                for offset, name, reason, detail in connection.execute(wanted)
            }

    def save(
        self,
        before: Mapping[int, int],
        ends: Mapping[int, int],
        effects: Sequence[Booking | Repeat | Refusal],
    ) -> None:
        """Save effects, and move watermarks from ``before`` to ``ends``: all of it or nothing.

        Raises:
            NotOursError: a watermark is not where it was.

        """
        with begun(self._engine) as connection:
            WATERMARKS.move(connection, self._log, before, ends)
            self._insert(connection, effects)

    def _insert(self, connection: Connection, effects: Sequence[Booking | Repeat | Refusal]) -> None:
        bookings: list[dict[str, Any]] = []
        entries: list[dict[str, Any]] = []
        repeats: list[dict[str, Any]] = []
        refusals: list[dict[str, Any]] = []
        for effect in effects:
            place = {"log": self._log, "partition": effect.place.partition, "offset": effect.place.offset}
            named = {**place, "transaction_id": effect.transaction_id}
            if isinstance(effect, Booking):
                bookings.append({**named, "content": effect.content, "at": effect.at_us})
                entries += [
                    {**place, "number": number, **entry._asdict(), "currency": effect.currency, "at": effect.at_us}
                    for number, entry in enumerate(effect.entries)
                ]
            elif isinstance(effect, Repeat):
                repeats.append(named)
            else:
                refusals.append({**named, "reason": effect.reason, "detail": effect.detail})
        for table, rows in ((BOOKINGS, bookings), (ENTRIES, entries), (REPEATS, repeats), (REFUSALS, refusals)):
            if rows:
                connection.execute(table.insert(), rows)
