"""Advisory file locks that end with their process, however it ends.

A pid in a file can be taken over by a stranger, in a container even soon; a lock cannot.
"""

from __future__ import annotations

import fcntl
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)


def try_lock(path: Path) -> int | None:
    """Lock ``path``, creating it, and return the descriptor that holds the lock; None when another holds it.

    Closing the descriptor gives the lock up. Children that run another program do not inherit it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock on ``path`` within the block; waits while another process, which does ``what``, holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.info("waiting for another process: %s", what)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
