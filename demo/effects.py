"""What the databases say at the end of the demo: the ledger, and the cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from fraud_processor.cases import reading
from fraud_processor.cases.states import PENDING
from legit_processor.ledger.reading import trial_balance
from pipeline.contracts.cases import ALERTS
from pipeline.contracts.display import printable
from pipeline.contracts.ledger import BOOKINGS
from pipeline.runtime.database.engine import begun, open_engine
from pipeline.runtime.transactional.effects import EffectsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

SHOWN: Final = 3  # cases


def ledger_told(url: str) -> list[str]:
    """Return how many payments are booked, and for each currency that all entries add up to nothing."""
    return _told("ledger", url, _ledger)


def cases_told(url: str) -> list[str]:
    """Return how many cases there are to look into, and the worst of the newest."""
    return _told("cases", url, _cases)


def _told(name: str, url: str, lines: Callable[[Connection], Iterator[str]]) -> list[str]:
    engine = open_engine(url)
    try:
        with begun(engine, reading=True) as connection:
            return [f"{name}: {line}" for line in lines(connection)]
    except EffectsError as error:
        return [f"{name}: {error}"]
    finally:
        engine.dispose()


def _ledger(connection: Connection) -> Iterator[str]:
    booked = connection.execute(select(func.count()).select_from(BOOKINGS)).scalar_one()
    for currency, debits, credited, total in trial_balance(connection):
        yield f"{booked} payments booked; {currency} debits={debits} credits={credited} sum={total}"


def _cases(connection: Connection) -> Iterator[str]:
    alerts = connection.execute(select(func.count()).select_from(ALERTS)).scalar_one()
    counts = reading.counts(connection)
    yield f"{sum(counts.get(state, 0) for state in PENDING)} open, of {alerts} alerts"
    newest = reading.cases(connection, PENDING, most=100)
    for case in sorted(newest, key=lambda case: -case.alerts)[:SHOWN]:
        whom = ", ".join(f"{printable(name)} {printable(value, 40)}" for name, value in case.subject.items())
        yield f"case {case.id}: {case.severity}, {whom}, {case.alerts} alerts"
