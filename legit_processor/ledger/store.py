"""Writes the ledger: batches of bookings, each with the watermarks of the partitions that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import select

from pipeline.contracts.effect_tables import LogTables
from pipeline.contracts.ledger import BOOKINGS, ENTRIES, LOGS, MARKS, REFUSALS, REPEATS
from pipeline.runtime.database.engine import begun
from pipeline.runtime.database.prepared import Prepared, Several
from pipeline.runtime.database.slices import slices
from pipeline.runtime.database.watermarks import Watermarks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection, Engine

    from legit_processor.ledger.booking import Entry

WATERMARKS: Final = Watermarks(LogTables(LOGS, MARKS))
# Of bookings, their entries, repeats and refusals: all columns, in the order of their tables.
_INSERTS: Final = [Prepared(table.insert(), table.columns.keys()) for table in (BOOKINGS, ENTRIES, REPEATS, REFUSALS)]
_BOOKED: Final = Several(
    lambda ids: select(BOOKINGS.c.transaction_id, BOOKINGS.c.content).where(BOOKINGS.c.transaction_id.in_(ids))
)


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
                found.update((name, bytes(content)) for name, content in _BOOKED.rows(connection, some))
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
        log = self._log
        bookings: list[tuple[object, ...]] = []
        entries: list[tuple[object, ...]] = []
        repeats: list[tuple[object, ...]] = []
        refusals: list[tuple[object, ...]] = []
        for effect in effects:
            partition, offset = effect.place
            if isinstance(effect, Booking):
                _, name, content, at_us, currency, made = effect
                bookings.append((log, partition, offset, name, content, at_us))
                number = 0
                for kind, account, minor in made:
                    entries.append((log, partition, offset, number, kind, account, currency, minor, at_us))
                    number += 1  # noqa: SIM113 (quicker than to enumerate so few)
            elif isinstance(effect, Repeat):
                repeats.append((log, partition, offset, effect.transaction_id))
            else:
                refusals.append((log, partition, offset, effect.transaction_id, effect.reason, effect.detail))
        for insert, rows in zip(_INSERTS, (bookings, entries, repeats, refusals), strict=True):
            if rows:
                insert.all(connection, rows)
