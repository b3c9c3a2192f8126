"""Logging in, by the one token, and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from dashboard.web.guard import COOKIE
from dashboard.web.sessions import LIFE_SECONDS, TooManyTriesError

if TYPE_CHECKING:
    from dashboard.web.sessions import Sessions

STATIC: Final = Path(__file__).parents[1] / "static"
MAX_FORM_BYTES: Final = 4096


def login_routes(sessions: Sessions | None) -> APIRouter:
    """Return the routes; without ``sessions`` there is nothing to log in to."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    def page() -> Response:
        return RedirectResponse("/", 303) if sessions is None else FileResponse(STATIC / "login.html")

    @router.post("/login")
    async def login(request: Request) -> Response:
        if sessions is None:
            return RedirectResponse("/", 303)
        length = request.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_FORM_BYTES:
            raise HTTPException(413, "a form is not that long")
        form = parse_qs((await request.body()).decode(errors="replace"))
        try:
            session = sessions.begin(form.get("token", [""])[0])
        except TooManyTriesError:
            return FileResponse(STATIC / "login-wait.html", 429, {"Retry-After": "60"})
        if session is None:
            return FileResponse(STATIC / "login-again.html", 403)
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
