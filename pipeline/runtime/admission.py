"""Bounds how many requests are answered at once, whatever is asked and however many connections there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class BoundedRequests:
    """Lets so many requests pass at once; all others are answered 503."""

    def __init__(self, application: ASGIApp, at_once: int) -> None:
        self._application, self._room = application, at_once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application do so."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
        elif self._room == 0:
            await PlainTextResponse("too many ask already\n", 503, {"Retry-After": "1"})(scope, receive, send)
        else:
            self._room -= 1
            try:
                await self._application(scope, receive, send)
            finally:
                self._room += 1
