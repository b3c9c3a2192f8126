"""Health without a port: the loop touches a file, and ``python -m pipeline.runtime.health`` looks at its age."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

from pipeline.runtime.settings import HEARTBEAT_FILE

BEAT_SECONDS: Final = 1.0
# Older than this, nothing is turning any more, unless a step is under way that may take longer.
MAX_AGE_SECONDS: Final = 30.0


class Heartbeat:
    """Touches its file at most once a second, or for a step that may take longer; without a file, does nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._last = self._until = float("-inf")

    def beat(self, within: float = MAX_AGE_SECONDS) -> None:
        """Say that the loop turns, and will again within so many seconds; the file is as old as that allows."""
        now = time.monotonic()
        if self._path is not None and (now - self._last >= BEAT_SECONDS or now + within > self._until + BEAT_SECONDS):
            self._path.touch()
            if within > MAX_AGE_SECONDS:
                ahead = time.time() + within - MAX_AGE_SECONDS
                os.utime(self._path, (ahead, ahead))
            self._last, self._until = now, now + within


def age_seconds(path: Path) -> float | None:
    """Return how long ago the file was touched, or None where it is not there."""
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except FileNotFoundError:
        return None


def main() -> int:
    """Return 0 while the heart beats, else 1 with a sentence."""
    name = os.environ.get(HEARTBEAT_FILE.name, "").strip()
    if not name:
        sys.stderr.write(f"{HEARTBEAT_FILE.name} is not set: nobody writes a heartbeat\n")
        return 1
    path = Path(name)
    age = age_seconds(path)
    if age is None or age > MAX_AGE_SECONDS:
        sys.stderr.write(f"no heartbeat in {path}\n" if age is None else f"last heartbeat {age:.0f} s ago\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
