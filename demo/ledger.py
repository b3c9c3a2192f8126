"""What the ledger says at the end of the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from legit_processor.ledger.reading import trial_balance
from pipeline.contracts.ledger import BOOKINGS
from pipeline.runtime.database.engine import begun, open_engine
from pipeline.runtime.transactional.effects import EffectsError

if TYPE_CHECKING:
    from collections.abc import Iterator


def told_of(url: str) -> Iterator[str]:
    """Yield how many payments are booked, and for each currency that all entries add up to nothing."""
    engine = open_engine(url)
    try:
        with begun(engine, reading=True) as connection:
            booked = connection.execute(select(func.count()).select_from(BOOKINGS)).scalar_one()
            for total in trial_balance(connection):
                yield (
                    f"ledger: {booked} payments booked; {total.currency} debits={total.debits} "
                    f"credits={total.credits} sum={total.sum}"
                )
    except EffectsError as error:
        yield f"ledger: {error}"
    finally:
        engine.dispose()
