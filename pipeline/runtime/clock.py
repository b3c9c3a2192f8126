"""The clock on the wall, for what is told and kept. No decision about a transaction goes by it."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Return milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def now_us() -> int:
    """Return microseconds since 1970."""
    return time.time_ns() // 1_000
