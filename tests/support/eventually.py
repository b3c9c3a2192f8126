"""Waiting for a state, never for a clock to run down."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PAUSE_SECONDS = 0.05

_never = threading.Event()


def eventually(check: Callable[[], T], within: float, describe: str) -> T:
    """Return the first truthy result of ``check``.

    Raises:
        AssertionError: there was none within that many seconds; it says what was waited for and what was last seen.

    """
    deadline = time.monotonic() + within
    while True:
        last = check()
        if last:
            return last
        if time.monotonic() > deadline:
            message = f"waited {within:g} s for {describe}, last saw {last!r}"
            raise AssertionError(message)
        _never.wait(PAUSE_SECONDS)
