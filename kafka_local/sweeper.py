"""The program of the guard process: outlive the launcher, then leave nothing of it behind.

It leads the process group that every Java process of one cluster joins, and reads a pipe whose only other end the
launcher holds. The pipe ends with the launcher, however that ends; SIGKILL included. Then the whole group is killed and
the temporary data removed. It runs as a bare script and must import nothing of this package.

Linux's PR_SET_PDEATHSIG would add nothing: it is not portable, and it fires when the *thread* that started Java ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time

# The longest that a killed group may linger: without an init process that reaps, its dead stay visible for ever.
GONE_WITHIN_SECONDS = 5.0
REMOVAL_ATTEMPTS = 5
PAUSE_SECONDS = 0.02


def main(scratch: str) -> None:
    """Wait for the launcher's end, then kill the group that this process leads and remove ``scratch``.

    Standard output is held open until all is done: its end tells a launcher that still lives.
    """
    # SIGHUP too: the kernel sends it to a group that loses its launcher while a paused (stopped) node is in it.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    while os.read(sys.stdin.fileno(), 1024):
        pass
    group = os.getpgrp()
    # The kill below would hit its sender, so it is sent by a child that has left the group.
    if os.fork() == 0:
        os.setpgid(0, 0)
        _kill(group)
        _remove(scratch)
        os._exit(0)
    signal.pause()


def _kill(group: int) -> None:
    deadline = time.monotonic() + GONE_WITHIN_SECONDS
    while time.monotonic() < deadline:
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:  # none left; macOS says "not permitted" where only the dead are left
            return
        time.sleep(PAUSE_SECONDS)


def _remove(scratch: str) -> None:
    for _ in range(REMOVAL_ATTEMPTS):
        shutil.rmtree(scratch, ignore_errors=True)
        if not os.path.lexists(scratch):
            return
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
