"""What waits for outlets that nobody names any more: a URL with another password is another outlet."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import func, select, union_all

from fraud_processor.cases.states import PENDING
from pipeline.contracts.cases import CASES, NOTICES, OUTBOX
from pipeline.runtime.database.engine import begun

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, Engine

logger = logging.getLogger(__name__)


def left_behind(connection: Connection, named: Collection[str]) -> dict[str, int]:
    """Return how much waits for each outlet that is not among those ``named``: messages, and cases to be told of."""
    messages = select(OUTBOX.c.outlet).where(OUTBOX.c.sent_at.is_(None), OUTBOX.c.outlet.not_in(named))
    of_cases = select(NOTICES.c.outlet).join(CASES, CASES.c.id == NOTICES.c.case_id)
    notices = of_cases.where(NOTICES.c.waits.is_(True), NOTICES.c.outlet.not_in(named), CASES.c.state.in_(PENDING))
    waiting = union_all(messages, notices).subquery()
    counted = select(waiting.c.outlet, func.count()).group_by(waiting.c.outlet)
    return {outlet: count for outlet, count in connection.execute(counted)}  # noqa: C416 (rows are no pairs to mypy)


def warn_of_what_is_left_behind(engine: Engine, named: Collection[str]) -> None:
    """Say at the start what is not going to be sent.

    Raises:
        EffectsError: the database does not answer.

    """
    with begun(engine, reading=True) as connection:
        for outlet, count in sorted(left_behind(connection, named).items()):
            logger.warning(
                "%d messages wait for %s, which ALERT_URLS does not name: they are sent where it does again, "
                "and nobody is told of them until then; cases list has what is pending",
                count,
                outlet,
            )
