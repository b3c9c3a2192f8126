"""The figures of a day, from the database of cases."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import and_, func, select

from fraud_processor.cases.states import CONFIRMED, FALSE_ALARM
from pipeline.contracts.cases import ALERTS, CASES, HITS
from pipeline.contracts.moments import microseconds_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

TOP: Final = 10  # accounts
HOURS: Final = 24
AT_ONCE: Final = 5000  # rows
_HOUR_US: Final = 3_600_000_000


class RuleDay(msgspec.Struct, frozen=True):
    """A rule: frauds in whose verdict it had a part, and of these what people found out so far.

    ``precision`` is the share of those that were fraud among all that were looked into, from 0 to 1; None: none was.
    """

    rule: str
    frauds: int
    confirmed: int
    false_alarms: int

    @property
    def precision(self) -> float | None:
        """Return it."""
        known = self.confirmed + self.false_alarms
        return self.confirmed / known if known else None


class AccountDay(msgspec.Struct, frozen=True):
    """An account that paid, with how many frauds."""

    account: str
    frauds: int


class Day(msgspec.Struct, frozen=True, tag_field="type", tag="day.report"):
    """A day of UTC, by the times of the transactions.

    ``stopped`` is the money of all frauds, exact text by currency; ``hours`` are frauds by hour, of which there are 24;
    ``cases`` how many of the cases that they are in are in which state by now.
    """

    id: str
    day: date
    frauds: int
    stopped: dict[str, str]
    hours: list[int]
    rules: list[RuleDay]
    accounts: list[AccountDay]
    cases: dict[str, int]


def day_of(connection: Connection, day: date) -> Day:
    """Return the figures of a day."""
    begin_us = microseconds_of(datetime(day.year, day.month, day.day, tzinfo=UTC))
    within = (ALERTS.c.time >= begin_us) & (ALERTS.c.time < begin_us + HOURS * _HOUR_US)
    hours = [0] * HOURS
    exact: dict[str, Decimal] = {}
    wanted = select(ALERTS.c.time, ALERTS.c.amount, ALERTS.c.currency).where(within)
    for rows in connection.execution_options(yield_per=AT_ONCE).execute(wanted).partitions():
        for time_us, amount, currency in rows:
            hours[(time_us - begin_us) // _HOUR_US] += 1
            exact[currency] = exact.get(currency, Decimal(0)) + Decimal(amount)
    return Day(
        id=f"report-{day.isoformat()}",
        day=day,
        frauds=sum(hours),
        stopped={currency: format(total, "f") for currency, total in sorted(exact.items())},
        hours=hours,
        rules=_rules(connection, within),
        accounts=_accounts(connection, within),
        cases=_cases(connection, within),
    )


def _rules(connection: Connection, within: ColumnElement[bool]) -> list[RuleDay]:
    """Return the rules, those with the most frauds first; a rule counts once in a fraud."""
    same = and_(*(HITS.c[name] == ALERTS.c[name] for name in ("log", "partition", "offset")))
    wanted = (
        select(HITS.c.rule, CASES.c.state, func.count())
        .join(ALERTS, same)
        .join(CASES, CASES.c.id == ALERTS.c.case_id)
        .where(within, HITS.c.counted.is_(True))
        .group_by(HITS.c.rule, CASES.c.state)
    )
    found: dict[str, Counter[str]] = {}
    for rule, state, count in connection.execute(wanted):
        found.setdefault(rule, Counter())[state] += count
    days = [RuleDay(rule, states.total(), states[CONFIRMED], states[FALSE_ALARM]) for rule, states in found.items()]
    return sorted(days, key=lambda one: (-one.frauds, one.rule))


def _accounts(connection: Connection, within: ColumnElement[bool]) -> list[AccountDay]:
    frauds: Any = func.count()
    wanted = (
        select(ALERTS.c.source, frauds)
        .where(within, ALERTS.c.source.is_not(None))
        .group_by(ALERTS.c.source)
        .order_by(frauds.desc(), ALERTS.c.source)
        .limit(TOP)
    )
    return [AccountDay(account, count) for account, count in connection.execute(wanted)]


def _cases(connection: Connection, within: ColumnElement[bool]) -> dict[str, int]:
    mine = select(ALERTS.c.case_id).where(within).distinct()
    wanted = select(CASES.c.state, func.count()).where(CASES.c.id.in_(mine)).group_by(CASES.c.state)
    return {state: count for state, count in connection.execute(wanted)}  # noqa: C416 (rows are no pairs to mypy)


def day_before(now: datetime) -> date:
    """Return the day that was over last."""
    return (now.astimezone(UTC) - timedelta(days=1)).date()
