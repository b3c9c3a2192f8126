"""Bounds what somebody may send to an HTTP interface, before a byte of it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

MAX_BODY_BYTES: Final = 64 * 1024
MAX_DIGITS: Final = 9


class BoundedBodies:
    """Lets requests pass whose bodies say how long they are, and are not too long; all others are answered 413."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application do so."""
        if scope["type"] == "http" and not _is_bounded(Headers(scope=scope)):
            told = f"a body has at most {MAX_BODY_BYTES} bytes, and says how many"
            await JSONResponse({"detail": told}, 413)(scope, receive, send)
            return
        await self._application(scope, receive, send)


def _is_bounded(headers: Headers) -> bool:
    length = headers.get("Content-Length", "0")
    if "Transfer-Encoding" in headers or not (length.isascii() and length.isdecimal()):
        return False
    return len(length) <= MAX_DIGITS and int(length) <= MAX_BODY_BYTES
