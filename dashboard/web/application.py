"""The routes of the dashboard: the page, what it is kept up to date by, and one record in full."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import APIRouter, FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from sse_starlette import EventSourceResponse, ServerSentEvent

from dashboard.live.hub import TooManyError
from dashboard.live.recent import Filter, heard
from dashboard.live.row import MAX_FIELD
from dashboard.web.cases import Cases, cases_routes
from dashboard.web.guard import Guard
from dashboard.web.login import STATIC, login_routes
from dashboard.web.lookups import looked_up
from dashboard.web.rules import Rules, rules_routes
from dashboard.web.sessions import Sessions
from dashboard.web.single import record_at
from dashboard.web.topics import Topics, topics_routes
from pipeline.contracts.case_requests import problems
from pipeline.contracts.display import printable
from pipeline.runtime.bodies import BoundedBodies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.types import ASGIApp

    from dashboard.live.hub import Event, Hub, Page
    from dashboard.settings import DashboardSettings

LOOKUPS: Final = 4  # at a time: each is a connection
PING_SECONDS: Final = 15
SEND_SECONDS: Final = 10.0  # a page that takes nothing for so long is let go
RETRY_MS: Final = 1_000

Branch = Literal["legit", "fraud", "dead-letter"]
Text = Annotated[str | None, Query(max_length=256)]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows: ``partitions`` are of the topics of which single records are shown."""

    hub: Hub
    partitions: Mapping[str, int]
    cases: Cases
    topics: Topics
    rules: Rules


def guarded(settings: DashboardSettings, shown: Shown) -> ASGIApp:
    """Return the dashboard, behind what decides who may see it."""
    sessions = Sessions(settings.secrets, time.monotonic) if settings.secrets else None
    return Guard(application(settings, shown, sessions), settings.hosts, sessions)


def application(settings: DashboardSettings, shown: Shown, sessions: Sessions | None) -> FastAPI:
    """Return the routes."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        ticking = asyncio.create_task(shown.hub.run())
        yield
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking

    app = FastAPI(title="Dashboard of the fraud pipeline", docs_url=None, redoc_url=None, lifespan=life)
    app.add_middleware(BoundedBodies)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.include_router(login_routes(sessions))
    app.include_router(cases_routes(shown.cases, settings.hosts))
    app.include_router(topics_routes(shown.topics))
    app.include_router(rules_routes(shown.rules, shown.hub.rules))
    app.include_router(_live_routes(settings, shown))

    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/api/session", responses=problems(401))
    def session() -> dict[str, bool]:
        """Tell whether there is anything to log in with; who has not, gets no answer but 401."""
        return {"token": sessions is not None}

    return app


def _live_routes(settings: DashboardSettings, shown: Shown) -> APIRouter:
    router = APIRouter()
    lookups = asyncio.Semaphore(LOOKUPS)

    @router.get("/api/stream", responses=problems(401, 503))
    async def stream(
        request: Request, branch: Branch | None = None, account: Text = None, rule: Text = None
    ) -> EventSourceResponse:
        """Follow what happens: events ``history``, ``glance``, ``second`` and ``rows``."""
        wanted = Filter(branch, *(None if not text else printable(text, MAX_FIELD) for text in (account, rule)))
        try:
            page = shown.hub.open(wanted)
        except TooManyError:
            raise HTTPException(503, "too many look already", {"Retry-After": "10"}) from None
        seen = heard(request.headers.get("Last-Event-ID"))
        events = _events(shown.hub, page, seen)
        return EventSourceResponse(events, ping=PING_SECONDS, send_timeout=SEND_SECONDS)

    @router.get("/api/records/{topic}/{partition}/{offset}", responses=problems(401, 404, 503))
    async def record(topic: str, partition: int, offset: int) -> dict[str, Any]:
        """Return one record of a branch in full, as text."""
        if not 0 <= partition < 2**31 or not 0 <= offset < 2**63:
            raise HTTPException(404, "no record stands there")
        async with lookups:
            kafka, partitions = settings.common.kafka, shown.partitions
            return await looked_up(lambda: record_at(kafka, partitions, topic, partition, offset))

    return router


async def _events(hub: Hub, page: Page, seen: Any) -> AsyncIterator[ServerSentEvent]:  # noqa: ANN401 (positions)
    try:
        for event in hub.figures():
            yield _sent(event)
        while not (hub.ready or hub.ended):  # it has just started: nobody can tell yet what this page has missed
            yield _sent(await page.queue.get())
        page.clear()
        yield _sent(hub.rows(page.wanted, seen))
        while not hub.ended:
            yield _sent(await page.queue.get())
    finally:
        hub.close(page)


def _sent(event: Event) -> ServerSentEvent:
    return ServerSentEvent(event.data, event=event.name, id=event.id or None, retry=RETRY_MS)
