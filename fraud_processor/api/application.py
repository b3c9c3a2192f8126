"""The HTTP interface to the cases: who may ask, and how refusals are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

from fraud_processor.api.alerts import alerts_routes
from fraud_processor.api.cases import changing_routes, looking_routes
from fraud_processor.cases.changing import NoCaseError, NotPossibleError
from pipeline.contracts.case_requests import problems
from pipeline.runtime.bodies import BoundedBodies
from pipeline.runtime.token import knows
from pipeline.runtime.transactional.effects import EffectsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

_TITLE: Final = "Cases of the fraud processor"
_RESPONSES: Final = problems(400, 401, 404, 409, 413, 503)


def application(engine: Engine, token: str, wake: Callable[[], None]) -> FastAPI:
    """Return the interface to a database of cases; ``wake`` is called when there may be something to send."""

    def authorized(request: Request) -> None:
        if not knows(request.headers.get("Authorization"), token):
            raise HTTPException(401, "a header is needed: Authorization: Bearer, and CASES_API_TOKEN")

    app = FastAPI(title=_TITLE, docs_url=None, redoc_url=None, dependencies=[Depends(authorized)], responses=_RESPONSES)
    app.add_middleware(BoundedBodies)
    for routes in (alerts_routes(engine), looking_routes(engine), changing_routes(engine, wake)):
        app.include_router(routes)
    _tell_refusals(app)
    return app


def _tell_refusals(app: FastAPI) -> None:
    @app.exception_handler(NoCaseError)
    async def missing(_: Request, error: NoCaseError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 404)

    @app.exception_handler(NotPossibleError)
    async def impossible(_: Request, error: NotPossibleError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 409)

    @app.exception_handler(EffectsError)
    async def away(_: Request, __: EffectsError) -> JSONResponse:
        return JSONResponse({"detail": "the database of cases does not answer"}, 503, {"Retry-After": "5"})
