"""Cases on the page: asked of the fraud processor, who alone has them, on behalf of who looks."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import requests
from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request

from dashboard.web.guard import host_of
from pipeline.contracts.case_requests import (
    MAX_NUMBER,
    MAX_WHO_CHARACTERS,
    Doing,
    Noting,
    Number,
    Offset,
    Partition,
    Resolving,
    State,
    TopicName,
    problems,
)
from pipeline.contracts.display import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pipeline.runtime.lifecycle import Stop

logger = logging.getLogger(__name__)

LIMITS_SECONDS: Final = (2.0, 10.0)  # to connect, and between two bytes
LOOK_SECONDS: Final = 5.0
# Each holds a thread of those that answer everything else, too.
MOST_AT_ONCE: Final = 10
# A page elsewhere can send a form, but no header of its own.
ASKED_HERE: Final = "X-Dashboard"


class Cases:
    """The interface to the cases; without a ``token`` there is none. ``counts`` are by state, None where unknown."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url, self._token = url, token
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)
        self.counts: dict[str, int] | None = None

    def start(self, stop: Stop) -> threading.Thread:
        """Begin to look how many there are, until a stop is requested."""
        thread = threading.Thread(target=self._live, args=(stop,), name="cases", daemon=True)
        thread.start()
        return thread

    def _live(self, stop: Stop) -> None:
        while not stop.wait(LOOK_SECONDS):
            if self._token is not None:
                try:
                    self.counts = self.ask("GET", "/cases/counts")
                except HTTPException:
                    self.counts = None

    def ask(self, method: str, path: str, **what: Any) -> Any:  # noqa: ANN401 (JSON)
        """Return what the interface answers.

        Raises:
            HTTPException: it refuses, does not answer, or there is none.

        """
        if self._token is None:
            raise HTTPException(404, "cases are shown where CASES_API_TOKEN is set, here and at the fraud processor")
        if not self._room.acquire(blocking=False):
            raise HTTPException(503, "too many ask for cases already", {"Retry-After": "5"})
        try:
            answer = self._answer(method, path, **what)
            told = answer.json()
        except (requests.RequestException, ValueError):
            raise HTTPException(503, "the fraud processor does not answer", {"Retry-After": "5"}) from None
        finally:
            self._room.release()
        if answer.status_code == requests.codes.unauthorized:
            raise HTTPException(503, "the fraud processor has another CASES_API_TOKEN")
        if not answer.ok:
            detail = told.get("detail") if isinstance(told, dict) else None
            raise HTTPException(answer.status_code, detail if isinstance(detail, str) else "it was refused")
        return told

    def _answer(self, method: str, path: str, **what: Any) -> requests.Response:  # noqa: ANN401 (JSON)
        with requests.Session() as session:
            # The environment may name a proxy, which would be told the token, or a file with another one.
            session.trust_env = False
            headers = {"Authorization": f"Bearer {self._token}"}
            url = f"{self._url}{path}"
            return session.request(method, url, headers=headers, timeout=LIMITS_SECONDS, allow_redirects=False, **what)


def cases_routes(cases: Cases, hosts: Collection[str]) -> APIRouter:
    """Return the routes; ``hosts`` are the names by which a page of ours may have been asked for."""
    router = APIRouter(responses=problems(400, 401, 403, 404, 409, 413, 503))
    router.include_router(_looking(cases))
    router.include_router(_changing(cases, hosts))
    return router


def _looking(cases: Cases) -> APIRouter:
    router = APIRouter()

    @router.get("/api/cases")
    def listed(
        state: State = "pending", before: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None
    ) -> list[dict[str, Any]]:
        """Return cases, the newest first."""
        found: list[dict[str, Any]] = cases.ask("GET", "/cases", params={"state": state, "before": before})
        return found

    @router.get("/api/cases/{number}")
    def one(number: Number) -> dict[str, Any]:
        """Return a case with its latest alerts, and what people did."""
        found: dict[str, Any] = cases.ask("GET", f"/cases/{number}")
        return found

    @router.get("/api/alerts/{topic}/{partition}/{offset}")
    def alert(topic: TopicName, partition: Partition, offset: Offset) -> dict[str, Any]:
        """Return the fraud that stands in a record, with its case, and whether the fraud processor has read it."""
        place = {"topic": topic, "partition": partition, "offset": offset}
        found: dict[str, Any] = cases.ask("GET", "/alerts/at", params=place)
        return found

    return router


def _of_ours(hosts: Collection[str]) -> Callable[..., None]:
    """Return what refuses a request that no page of ours has made."""

    def from_here(request: Request, _x_dashboard: Annotated[str | None, Header(alias=ASKED_HERE)] = None) -> None:
        origin = request.headers.get("Origin")
        if ASKED_HERE not in request.headers or (origin is not None and host_of(urlsplit(origin).netloc) not in hosts):
            raise HTTPException(403, "only the dashboard's own page may do that")

    return from_here


def _changing(cases: Cases, hosts: Collection[str]) -> APIRouter:
    def done(request: Request, number: int, verb: str, doing: Doing) -> dict[str, Any]:
        found: dict[str, Any] = cases.ask("POST", f"/cases/{number}/{verb}", json=doing.model_dump())
        # A name is what somebody says; where it was said is what we know.
        whose = request.client.host if request.client else "-"
        logger.info("case %d: %s, by %s at %s", number, verb, printable(doing.by, MAX_WHO_CHARACTERS), whose)
        return found

    router = APIRouter(dependencies=[Depends(_of_ours(hosts))])

    @router.post("/api/cases/{number}/acknowledge")
    def acknowledge(request: Request, number: Number, doing: Doing) -> dict[str, Any]:
        """Say that somebody is at it; as all that changes something, only a page of ours may."""
        return done(request, number, "acknowledge", doing)

    @router.post("/api/cases/{number}/resolve")
    def resolve(request: Request, number: Number, resolving: Resolving) -> dict[str, Any]:
        """Say what it was."""
        return done(request, number, "resolve", resolving)

    @router.post("/api/cases/{number}/release")
    def release(request: Request, number: Number, doing: Doing) -> dict[str, Any]:
        """Let the payments of a false alarm be settled, where that is not done yet."""
        return done(request, number, "release", doing)

    @router.post("/api/cases/{number}/close")
    def close(request: Request, number: Number, doing: Doing) -> dict[str, Any]:
        """Be done with it without saying what it was."""
        return done(request, number, "close", doing)

    @router.post("/api/cases/{number}/notes")
    def note(request: Request, number: Number, noting: Noting) -> dict[str, Any]:
        """Keep a note."""
        return done(request, number, "notes", noting)

    return router
