"""Logging in, by the token or the password, and out."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from dashboard.web.guard import COOKIE
from dashboard.web.sessions import LIFE_SECONDS
from dashboard.web.tries import TooManyTriesError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dashboard.web.sessions import Sessions

STATIC: Final = Path(__file__).parents[1] / "static"
MAX_FORM_BYTES: Final = 4096
_PAGE: Final = (STATIC / "login.html").read_text(encoding="utf-8")
_WHY_NOT: Final = "<!-- why not -->"


def login_routes(sessions: Sessions | None) -> APIRouter:
    """Return the routes; without ``sessions`` there is nothing to log in to."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    def page() -> Response:
        return RedirectResponse("/", 303) if sessions is None else _asking()

    @router.post("/login")
    async def login(request: Request) -> Response:
        if sessions is None:
            return RedirectResponse("/", 303)
        length = request.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_FORM_BYTES:
            raise HTTPException(413, "a form is not that long")
        form = parse_qs((await request.body()).decode(errors="replace"))
        try:
            session = sessions.begin(form.get("token", [""])[0], request.client.host if request.client else None)
        except TooManyTriesError as error:
            return _asking("Too many tries: wait a minute.", 429, {"Retry-After": str(ceil(error.seconds))})
        if session is None:
            return _asking("That is neither the token nor the password.", 403)
        answer = RedirectResponse("/", 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, session, int(LIFE_SECONDS), httponly=True, samesite="strict", secure=secure)
        return answer

    @router.post("/logout")
    def logout(request: Request) -> Response:
        if sessions is not None:
            sessions.end(request.cookies.get(COOKIE))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer

    return router


def _asking(why_not: str = "", status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return the page to log in; ``why_not`` is a sentence of ours, never what somebody sent."""
    told = f'<p class="wrong" role="alert">{why_not}</p>' if why_not else ""
    return HTMLResponse(_PAGE.replace(_WHY_NOT, told), status, headers)
