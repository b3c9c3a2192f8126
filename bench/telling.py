"""What is going on, on standard error: one line that changes at a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

TERMINAL_SECONDS: Final = 0.2
ELSEWHERE_SECONDS: Final = 5.0
WIDEST: Final = 110


class Telling:
    """Progress, for the time of a ``with`` block."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._begun = time.monotonic()
        self._told = -ELSEWHERE_SECONDS

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clear the line."""
        if self._live:
            sys.stderr.write("\r\x1b[K")

    def tell(self, what: str) -> None:
        """Say what is going on; what comes too soon after the last is not shown."""
        now = time.monotonic()
        if now - self._told < (TERMINAL_SECONDS if self._live else ELSEWHERE_SECONDS):
            return
        self._told = now
        line = f"bench {now - self._begun:5.0f} s: {what}"[:WIDEST]
        sys.stderr.write(f"\r{line}\x1b[K" if self._live else f"{line}\n")
        sys.stderr.flush()
