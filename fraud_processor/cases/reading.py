"""What there is to say of cases: the list of them, and each with its alerts and what people did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from fraud_processor.cases.subject import SEVERITIES
from pipeline.contracts.cases import ALERTS, CASES, STEPS
from pipeline.contracts.codec import VERDICT
from pipeline.contracts.moments import EPOCH

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, Row

MOST: Final = 1000  # cases or alerts in one answer


@dataclass(frozen=True, slots=True)
class Case:
    """A case without its alerts, of which there are ``alerts``; ``subject`` is whom it is about, by field.

    ``first`` and ``last`` are the times of its earliest and latest transaction, ``opened_at`` is by our own clock.
    """

    id: int
    subject: dict[str, str]
    state: str
    severity: str
    score: int
    alerts: int
    first: datetime
    last: datetime
    opened_at: datetime
    gathers: bool


@dataclass(frozen=True, slots=True)
class Alert:
    """A fraud of a case; ``place`` is where its record stands, ``content`` the message with its verdict."""

    place: str
    transaction_id: str
    source: str | None
    target: str
    amount: str
    currency: str
    time: datetime
    severity: str
    score: int
    content: str

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Return the rules that counted, each with its sentence; nothing where a newer version tells it otherwise."""
        try:
            hits = json.loads(self.content)[VERDICT]["hits"]
            return [(str(hit["rule"]), str(hit["message"])) for hit in hits if hit.get("standing") is None]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return []


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody did to a case."""

    at: datetime
    who: str
    what: str
    note: str


def counts(connection: Connection) -> dict[str, int]:
    """Return how many cases there are by state."""
    asked = select(CASES.c.state, func.count()).group_by(CASES.c.state)
    return {state: count for state, count in connection.execute(asked)}  # noqa: C416 (rows are no pairs to mypy)


def cases(
    connection: Connection, states: Collection[str] = (), before: int | None = None, most: int = 50
) -> list[Case]:
    """Return cases of some states, or of all, the newest first; those with numbers below ``before``."""
    wanted = select(CASES).order_by(CASES.c.id.desc()).limit(min(most, MOST))
    if states:
        wanted = wanted.where(CASES.c.state.in_(states))
    if before is not None:
        wanted = wanted.where(CASES.c.id < before)
    return [case_of(row) for row in connection.execute(wanted)]


def case(connection: Connection, number: int) -> Case | None:
    """Return a case; None where there is none of this number."""
    row = connection.execute(select(CASES).where(CASES.c.id == number)).first()
    return None if row is None else case_of(row)


def alerts(connection: Connection, number: int, skip: int = 0, most: int = 50) -> list[Alert]:
    """Return the alerts of a case, the latest first."""
    wanted = (
        select(ALERTS)
        .where(ALERTS.c.case_id == number)
        .order_by(ALERTS.c.time.desc(), ALERTS.c.log, ALERTS.c.partition, ALERTS.c.offset)
        .offset(skip)
        .limit(min(most, MOST))
    )
    return [_alert(row) for row in connection.execute(wanted)]


def trace(connection: Connection, number: int, among: int) -> str | None:
    """Return the trace of the latest alert of a case that has one, ``among`` so many of the latest."""
    latest = (
        select(ALERTS.c.trace, ALERTS.c.time)
        .where(ALERTS.c.case_id == number)
        .order_by(ALERTS.c.time.desc())
        .limit(among)
        .subquery()
    )
    wanted = select(latest.c.trace).where(latest.c.trace.is_not(None)).order_by(latest.c.time.desc()).limit(1)
    found: str | None = connection.execute(wanted).scalar_one_or_none()
    return found


def steps(connection: Connection, number: int) -> list[Step]:
    """Return what people did to a case, in its order."""
    wanted = select(STEPS).where(STEPS.c.case_id == number).order_by(STEPS.c.id)
    return [Step(moment(row.at), row.who, row.what, row.note) for row in connection.execute(wanted)]


def moment(at_us: int) -> datetime:
    """Return microseconds since 1970 as a moment."""
    return EPOCH + timedelta(microseconds=at_us)


def case_of(row: Row[Any]) -> Case:
    """Return the case of a row that has all columns of its table."""
    return Case(
        id=row.id,
        subject={name: _shown(value) for name, value in json.loads(row.subject).items()},
        state=row.state,
        severity=SEVERITIES[row.severity],
        score=row.score,
        alerts=row.alerts,
        first=moment(row.first),
        last=moment(row.last),
        opened_at=moment(row.opened_at),
        gathers=row.gathers,
    )


def _shown(value: str) -> str:
    """Return a text as text that can be sent: half a character, as JSON may have one, is escaped."""
    return value.encode(errors="backslashreplace").decode()


def _alert(row: Row[Any]) -> Alert:
    return Alert(
        place=f"{row.partition}:{row.offset}",
        transaction_id=row.transaction_id,
        source=row.source,
        target=row.target,
        amount=row.amount,
        currency=row.currency,
        time=moment(row.time),
        severity=SEVERITIES[row.severity],
        score=row.score,
        content=bytes(row.content).decode(errors="backslashreplace"),
    )
