"""What ends the launcher from outside: signals, and the death of the process that started it."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kafka_local.errors import EXIT_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

LOOK_AT_PARENT_EVERY_SECONDS = 0.2


class StopRequested(BaseException):
    """Raised in the main thread by the first signal, wherever it is; no handler of errors may swallow it."""


@contextmanager
def stopping_on_signals(*, detached: bool) -> Iterator[None]:
    """Within the block, SIGINT, SIGTERM and SIGHUP raise StopRequested once; the next one ends the process at once.

    The guard then kills what runs. A ``detached`` launcher outlives its terminal, so it ignores SIGHUP.
    """
    requested = False

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal requested
        if requested:
            os._exit(EXIT_FAILED)
        requested = True
        raise StopRequested

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN if detached else on_signal)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_with_parent(parent: int) -> None:
    """Send this process SIGTERM once its parent is no longer ``parent``; looks until the process ends."""
    main_thread = threading.main_thread().ident
    if main_thread is None:  # pragma: no cover (a started thread has an id)
        return
    target = main_thread
    never = threading.Event()

    def watch() -> None:
        while os.getppid() == parent:
            never.wait(LOOK_AT_PARENT_EVERY_SECONDS)
        # To that thread: sent to the process it might interrupt this one, and Python handle it only later.
        signal.pthread_kill(target, signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
