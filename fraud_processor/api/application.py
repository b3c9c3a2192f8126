"""The HTTP interface to the cases: list, show, acknowledge, resolve."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse

from fraud_processor.api.alerts import alerts_routes
from fraud_processor.cases import reading
from fraud_processor.cases.changing import (
    By,
    NoCaseError,
    NotPossibleError,
    move,
    release,
    remark,
)
from fraud_processor.cases.states import ACKNOWLEDGED, CLOSED, CONFIRMED, FALSE_ALARM, PENDING
from pipeline.contracts.case_requests import MAX_NUMBER, Doing, Noting, Number, Resolving, State, problems
from pipeline.runtime.bodies import BoundedBodies
from pipeline.runtime.database.engine import begun
from pipeline.runtime.token import knows
from pipeline.runtime.transactional.effects import EffectsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

MAX_SKIPPED: Final = 1_000_000
_TITLE: Final = "Cases of the fraud processor"


@dataclass(frozen=True, slots=True)
class CaseInFull:
    """A case, the latest of its alerts, and what people did."""

    case: reading.Case
    alerts: list[reading.Alert]
    steps: list[reading.Step]


_RESPONSES: Final = problems(400, 401, 404, 409, 413, 503)


def application(engine: Engine, token: str, wake: Callable[[], None]) -> FastAPI:  # noqa: C901 (its routes)
    """Return the interface to a database of cases; ``wake`` is called when there may be something to send."""

    def authorized(request: Request) -> None:
        if not knows(request.headers.get("Authorization"), token):
            raise HTTPException(401, "a header is needed: Authorization: Bearer, and CASES_API_TOKEN")

    app = FastAPI(title=_TITLE, docs_url=None, redoc_url=None, dependencies=[Depends(authorized)], responses=_RESPONSES)
    app.add_middleware(BoundedBodies)
    app.include_router(alerts_routes(engine))

    @app.exception_handler(NoCaseError)
    async def missing(_: Request, error: NoCaseError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 404)

    @app.exception_handler(NotPossibleError)
    async def impossible(_: Request, error: NotPossibleError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 409)

    @app.exception_handler(EffectsError)
    async def away(_: Request, __: EffectsError) -> JSONResponse:
        return JSONResponse({"detail": "the database of cases does not answer"}, 503, {"Retry-After": "5"})

    def done(number: int, state: str | None, doing: Doing, *, releases: bool = False) -> reading.Case:
        by = By(doing.by, time.time_ns() // 1000, doing.note)
        with begun(engine) as connection:
            if state is None:
                remark(connection, number, by)
            else:
                move(connection, number, state, by)
            if releases:
                release(connection, number, by)
            found = reading.case(connection, number)
        wake()
        if found is None:
            raise NoCaseError(f"there is no case {number}")
        return found

    @app.get("/cases")
    def cases(
        state: State = "pending",
        before: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None,
        most: Annotated[int, Query(ge=1, le=reading.MOST)] = 50,
    ) -> list[reading.Case]:
        """Return cases, the newest first; those below a number, for the next page."""
        states = {"pending": PENDING, "all": ()}.get(state, (state,))
        with begun(engine, reading=True) as connection:
            return reading.cases(connection, states, before, most)

    @app.get("/cases/counts")
    def counts() -> dict[str, int]:
        """Return how many cases there are by state."""
        with begun(engine, reading=True) as connection:
            return reading.counts(connection)

    @app.get("/cases/{number}")
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

    @app.post("/cases/{number}/acknowledge")
    def acknowledge(number: Number, doing: Doing) -> reading.Case:
        """Say that somebody is at it."""
        return done(number, ACKNOWLEDGED, doing)

    @app.post("/cases/{number}/resolve")
    def resolve(number: Number, resolving: Resolving) -> reading.Case:
        """Say what it was; its transactions get labels, and those of a false alarm may be released to be settled."""
        state = CONFIRMED if resolving.finding == "fraud" else FALSE_ALARM
        return done(number, state, resolving, releases=resolving.release)

    @app.post("/cases/{number}/close")
    def close(number: Number, doing: Doing) -> reading.Case:
        """Be done with it without saying what it was."""
        return done(number, CLOSED, doing)

    @app.post("/cases/{number}/notes")
    def note(number: Number, noting: Noting) -> reading.Case:
        """Keep a note."""
        return done(number, None, noting)

    return app
