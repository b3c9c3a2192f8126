"""Which outlets have to be told of which cases, and when: noted in the transaction in which the case grows.

An outlet hears of a case at once, and then no more than one message in an interval, of all that came meanwhile. What it
cannot be told yet waits here, so messages do not pile up: of a case there is one notice an outlet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fraud_processor.cases.states import PENDING
from pipeline.contracts.cases import CASES, NOTICES
from pipeline.runtime.database.engine import SQLITE
from pipeline.runtime.database.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection, Executable

    from fraud_processor.cases.gathering import Case


# Made once: every look asks it.
_DUE: Final = (
    select(NOTICES.c.case_id)
    .where(NOTICES.c.outlet == bindparam("to"), NOTICES.c.waits.is_(True), NOTICES.c.due_at <= bindparam("now"))
    .limit(1)
)


def _announced(dialect: str) -> Executable:
    insert = (sqlite.insert if dialect == SQLITE else postgresql.insert)(NOTICES)
    key = [NOTICES.c.case_id, NOTICES.c.outlet]
    return insert.on_conflict_do_update(index_elements=key, set_={"waits": insert.excluded.waits})


_ANNOUNCE: Final = Prepared(_announced, NOTICES.columns.keys())  # case, outlet, waits, due at, told, messages


class Due(NamedTuple):
    """A message that is to be made: the one after ``messages``, of the alerts behind the first ``told``."""

    case_id: int
    told: int
    messages: int


def announce(connection: Connection, grown: Iterable[tuple[int, Case]], floors: Mapping[str, int]) -> None:
    """Note that cases have new alerts, for each outlet for which they are bad enough: ``floors`` is by outlet."""
    rows = [
        (number, outlet, True, 0, 0, 0)
        for number, case in grown
        for outlet, floor in floors.items()
        if case.severity >= floor
    ]
    if rows:
        _ANNOUNCE.all(connection, rows)


def is_due(connection: Connection, outlet: str, now_us: int) -> bool:
    """Tell whether an outlet can be told of any case now."""
    return connection.execute(_DUE, {"to": outlet, "now": now_us}).first() is not None


def take_due(connection: Connection, outlet: str, now_us: int, interval_us: int, most: int) -> list[Due]:
    """Take the notices of an outlet that are due, the longest waiting first; the next of a case is an interval later.

    Of cases that somebody has resolved meanwhile nothing is told any more.
    """
    columns = NOTICES.c
    waiting = (columns.outlet == outlet) & columns.waits.is_(True)
    wanted = (
        select(columns.case_id, columns.told, columns.messages, CASES.c.alerts, CASES.c.state)
        .join(CASES, CASES.c.id == columns.case_id)
        .where(waiting, columns.due_at <= now_us)
        .order_by(columns.due_at, columns.case_id)
        .limit(most)
        .with_for_update(skip_locked=True, of=NOTICES)
    )
    found = []
    for case_id, told, messages, alerts, state in connection.execute(wanted).all():
        tells = state in PENDING and alerts > told
        values = {"waits": False, "told": alerts, "messages": messages + tells, "due_at": now_us + interval_us}
        here = (columns.case_id == case_id) & (columns.outlet == outlet)
        connection.execute(update(NOTICES).where(here).values(values))
        if tells:
            found.append(Due(case_id, told, messages))
    return found
