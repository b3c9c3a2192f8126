"""What stands before every answer: which host was asked for, who asks, and what a browser may do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from dashboard.web.sessions import Sessions

COOKIE: Final = "fraud_dashboard"
OPEN_PATHS: Final = ("/login", "/static/login.css", "/static/base.css")
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses hosts that are not ours, so that no other page's name can be made to lead here, and who has no session.

    It is no middleware of the framework, since those hold back streams.
    """

    def __init__(self, application: ASGIApp, hosts: Collection[str], sessions: Sessions | None) -> None:
        self._application, self._hosts, self._sessions = application, frozenset(hosts), sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application do so."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refusal(scope) if scope["type"] == "http" else None
        await (answer or self._application)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        if host_of(Headers(scope=scope).get("host", "")) not in self._hosts:
            return PlainTextResponse("this name is not known here: see DASHBOARD_HOSTS\n", 421)
        path = scope["path"]
        if self._sessions is None or path in OPEN_PATHS:
            return None
        if self._sessions.knows(Request(scope).cookies.get(COOKIE)):
            return None
        if path.startswith("/api/"):
            return JSONResponse({"detail": "log in first"}, 401)
        return RedirectResponse("/login", 303)


def host_of(header: str) -> str:
    """Return the name of a header ``Host``, without its port."""
    name = header.strip().casefold()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]
