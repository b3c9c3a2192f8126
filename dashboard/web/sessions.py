"""Who has logged in. Pure but for randomness."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from dashboard.web.tries import Tries
from pipeline.runtime.token import same

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

LIFE_SECONDS: Final = 12 * 3600.0
MOST: Final = 1_000


class Sessions:
    """Sessions of those who know one of the secrets that are ``wanted``; ``now`` tells seconds."""

    def __init__(self, wanted: Collection[str], now: Callable[[], float]) -> None:
        self._wanted, self._now = wanted, now
        self._until: dict[str, float] = {}
        self._tries = Tries(now)

    def begin(self, given: str, address: str | None) -> str | None:
        """Return a new session for who knows a secret; None for who does not. ``address`` is whose try it is.

        Raises:
            TooManyTriesError: he has to wait, also where he knows it.

        """
        now = self._now()
        self._tries.check(address)
        compared = [same(given, one) for one in self._wanted]  # all of them, so that time tells of none
        if not any(compared):
            self._tries.failed(address)
            return None
        self._until = {name: until for name, until in self._until.items() if until > now}
        while len(self._until) >= MOST:
            del self._until[next(iter(self._until))]  # the oldest
        name = secrets.token_urlsafe(32)
        self._until[name] = now + LIFE_SECONDS
        return name

    def knows(self, name: str | None) -> bool:
        """Tell whether a session has begun and is not over."""
        return name is not None and self._until.get(name, 0.0) > self._now()

    def end(self, name: str | None) -> None:
        """Log out."""
        self._until.pop(name or "", None)
