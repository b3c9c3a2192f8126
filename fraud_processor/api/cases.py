"""Cases, by HTTP: listed, shown, and worked off."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query

from fraud_processor.cases import reading
from fraud_processor.cases.changing import By, NoCaseError, move, release, remark
from fraud_processor.cases.states import ACKNOWLEDGED, CLOSED, CONFIRMED, FALSE_ALARM, PENDING
from pipeline.contracts.case_requests import MAX_NUMBER, Doing, Noting, Number, Resolving, State
from pipeline.runtime.clock import now_us
from pipeline.runtime.database.engine import begun

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

MAX_SKIPPED: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class CaseInFull:
    """A case, the latest of its alerts, and what people did."""

    case: reading.Case
    alerts: list[reading.Alert]
    steps: list[reading.Step]


def looking_routes(engine: Engine) -> APIRouter:
    """Return the routes that change nothing."""
    router = APIRouter()

    @router.get("/cases")
    def cases(
        state: State = "pending",
        before: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None,
        most: Annotated[int, Query(ge=1, le=reading.MOST)] = 50,
    ) -> list[reading.Case]:
        """Return cases, the newest first; those below a number, for the next page."""
        states = {"pending": PENDING, "all": ()}.get(state, (state,))
        with begun(engine, reading=True) as connection:
            return reading.cases(connection, states, before, most)

    @router.get("/cases/counts")
    def counts() -> dict[str, int]:
        """Return how many cases there are by state."""
        with begun(engine, reading=True) as connection:
            return reading.counts(connection)

    @router.get("/cases/{number}")
    def case(
        number: Number,
        skip: Annotated[int, Query(ge=0, le=MAX_SKIPPED)] = 0,
        most: Annotated[int, Query(ge=1, le=reading.MOST)] = 50,
    ) -> CaseInFull:
        """Return a case with its latest alerts, and what people did."""
        with begun(engine, reading=True) as connection:
            found = reading.case(connection, number)
            if found is None:
                raise NoCaseError(f"there is no case {number}")
            return CaseInFull(found, reading.alerts(connection, number, skip, most), reading.steps(connection, number))

    return router


def changing_routes(engine: Engine, wake: Callable[[], None]) -> APIRouter:
    """Return the routes by which people work cases off; ``wake`` is called when there may be something to send."""
    router = APIRouter()

    done = partial(_done, engine, wake)

    @router.post("/cases/{number}/acknowledge")
    def acknowledge(number: Number, doing: Doing) -> reading.Case:
        """Say that somebody is at it."""
        return done(number, doing, _into(ACKNOWLEDGED))

    @router.post("/cases/{number}/resolve")
    def resolve(number: Number, resolving: Resolving) -> reading.Case:
        """Say what it was; its transactions get labels, and those of a false alarm may be released to be settled."""
        state = CONFIRMED if resolving.finding == "fraud" else FALSE_ALARM
        return done(number, resolving, _into(state), *([release] if resolving.release else []))

    @router.post("/cases/{number}/release")
    def let_go(number: Number, doing: Doing) -> reading.Case:
        """Let the payments of a false alarm be settled, where that was not said when it was resolved."""
        return done(number, doing, release)

    @router.post("/cases/{number}/close")
    def close(number: Number, doing: Doing) -> reading.Case:
        """Be done with it without saying what it was."""
        return done(number, doing, _into(CLOSED))

    @router.post("/cases/{number}/notes")
    def note(number: Number, noting: Noting) -> reading.Case:
        """Keep a note."""
        return done(number, noting, remark)

    return router


def _done(
    engine: Engine, wake: Callable[[], None], number: int, doing: Doing, *steps: Callable[[Connection, int, By], None]
) -> reading.Case:
    by = By(doing.by, now_us(), doing.note)
    with begun(engine) as connection:
        for step in steps:
            step(connection, number, by)
        found = reading.case(connection, number)
    wake()
    if found is None:
        raise NoCaseError(f"there is no case {number}")
    return found


def _into(state: str) -> Callable[[Connection, int, By], None]:
    return lambda connection, number, by: move(connection, number, state, by)
