"""The file that tells other commands which Kafka runs: its address, and the launcher's pid for who wants to stop it.

It is believed only while the launcher holds the lock beside it: a launcher that was killed leaves a file that nobody
believes, even if another process has its pid by now. Only the command announces itself here, never the library.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kafka_local.locks import try_lock
from kafka_local.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# A reader holds the lock for a moment while it looks.
LOCKED_WITHIN_SECONDS = 0.5
POLL_SECONDS = 0.01


def running_address(environment: Mapping[str, str] | None = None) -> str | None:
    """Return the bootstrap servers of the Kafka that ``python -m kafka_local`` runs now; None when it runs none.

    ``environment``, the process's own by default, may name another folder to look in (see ``settings``).
    """
    folder = Settings.from_env(os.environ if environment is None else environment).state
    try:
        address, _pid = _file(folder).read_text().splitlines()
    except (FileNotFoundError, ValueError):
        return None
    lock = try_lock(_lock(folder))
    if lock is None:
        return address
    os.close(lock)
    return None


@contextmanager
def announced(settings: Settings, address: str) -> Iterator[bool]:
    """Announce ``address`` within the block, in the name of this process.

    Yields False, and announces nothing, while another launcher is announced: the first one stays.
    """
    lock = _try_for_a_moment(_lock(settings.state))
    if lock is None:
        yield False
        return
    file = _file(settings.state)
    try:
        aside = file.with_name(f"{file.name}.new")
        aside.write_text(f"{address}\n{os.getpid()}\n")
        aside.replace(file)
        yield True
    finally:
        file.unlink(missing_ok=True)
        os.close(lock)


def _try_for_a_moment(path: Path) -> int | None:
    deadline = time.monotonic() + LOCKED_WITHIN_SECONDS
    while (lock := try_lock(path)) is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return lock


def _file(folder: Path) -> Path:
    return folder / "address"


def _lock(folder: Path) -> Path:
    return folder / "address.lock"
