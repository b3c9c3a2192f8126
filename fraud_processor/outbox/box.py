"""The queue in the database: what waits for an outlet, whose turn it is, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import bindparam, func, select, update

from pipeline.contracts.cases import OUTBOX

if TYPE_CHECKING:
    from sqlalchemy import Connection

MAX_ERROR_CHARACTERS = 300

# Made once: every look asks them.
_UNSENT: Final = (OUTBOX.c.outlet == bindparam("to")) & OUTBOX.c.sent_at.is_(None)
_WAITING: Final = select(func.count()).select_from(OUTBOX).where(_UNSENT)
_DUE: Final = select(OUTBOX.c.id).where(_UNSENT, OUTBOX.c.due_at <= bindparam("now")).limit(1)


class Letter(NamedTuple):
    """Something to send. ``key`` is the same however often that is done; ``attempts`` counts this one, too."""

    id: int
    key: str
    body: str
    attempts: int
    trace: str | None = None


def queue(  # noqa: PLR0913, PLR0917 (a row has that many columns)
    connection: Connection, outlet: str, key: str, body: str, now_us: int, trace: str | None = None
) -> None:
    """Add something to send, of a trace if there is one; ``key`` has to be one that nothing had before."""
    row = {"outlet": outlet, "key": f"{key}/{outlet}", "body": body, "queued_at": now_us, "due_at": now_us}
    connection.execute(OUTBOX.insert().values(**row, attempts=0, error="", trace=trace))


def queue_once(connection: Connection, outlet: str, key: str, body: str, now_us: int) -> None:
    """Add something to send, unless it was added before."""
    if connection.execute(select(OUTBOX.c.id).where(OUTBOX.c.key == f"{key}/{outlet}")).first() is None:
        queue(connection, outlet, key, body, now_us)


def waiting(connection: Connection, outlet: str) -> int:
    """Return how much waits for an outlet."""
    return int(connection.execute(_WAITING, {"to": outlet}).scalar_one())


def is_due(connection: Connection, outlet: str, now_us: int) -> bool:
    """Tell whether there is anything to be sent to an outlet now."""
    return connection.execute(_DUE, {"to": outlet, "now": now_us}).first() is not None


def claim(connection: Connection, outlet: str, now_us: int, lease_us: int) -> Letter | None:
    """Take what is due for an outlet, the oldest first; nobody else takes it within the lease."""
    columns = OUTBOX.c
    wanted = (
        select(columns.id, columns.key, columns.body, columns.attempts, columns.trace)
        .where(columns.outlet == outlet, columns.sent_at.is_(None), columns.due_at <= now_us)
        .order_by(columns.due_at, columns.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(wanted).first()
    if row is None:
        return None
    changed = {"due_at": now_us + lease_us, "attempts": row.attempts + 1}
    connection.execute(update(OUTBOX).where(columns.id == row.id).values(changed))
    return Letter(row.id, str(row.key).rpartition("/")[0], row.body, row.attempts + 1, row.trace)


def sent(connection: Connection, letter: Letter, now_us: int) -> None:
    """Note that it has arrived."""
    connection.execute(update(OUTBOX).where(OUTBOX.c.id == letter.id).values(sent_at=now_us, error=""))


def failed(connection: Connection, letter: Letter, due_us: int, error: str) -> None:
    """Note why it has not, and when it is tried again."""
    told = {"due_at": due_us, "error": error[:MAX_ERROR_CHARACTERS]}
    connection.execute(update(OUTBOX).where(OUTBOX.c.id == letter.id).values(told))


def forget(connection: Connection, outlet: str, before_us: int) -> None:
    """Remove what arrived before a moment."""
    connection.execute(OUTBOX.delete().where(OUTBOX.c.outlet == outlet, OUTBOX.c.sent_at < before_us))
