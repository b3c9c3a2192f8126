"""What sends messages to somebody outside."""

from __future__ import annotations

from typing import Protocol


class OutletError(Exception):
    """A message was not taken, or nobody can tell: it is sent again, under the same key."""


class Outlet(Protocol):
    """One of those that are told. ``name`` is the same from start to start, and tells no secret."""

    @property
    def name(self) -> str:
        """Return what the outbox calls it."""
        ...

    def send(self, key: str, body: str) -> None:
        """Send a message, at most for some seconds; ``key`` is the same when it is sent again.

        Raises:
            OutletError: it was not taken, or nobody can tell.

        """
        ...
