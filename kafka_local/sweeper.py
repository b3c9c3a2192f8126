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

REMOVAL_ATTEMPTS = 250
PAUSE_SECONDS = 0.02


def main(scratch: str) -> None:
    """Wait for the launcher's end, then kill the group that this process leads and remove ``scratch``.

    Standard output tells the launcher two things: a byte, that signals can no longer end this process, so that there
    may be something to guard; and its end, that all is done.
    """
    # SIGHUP too: the kernel sends it to a group that loses its launcher while a paused (stopped) node is in it.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    os.write(sys.stdout.fileno(), b"!")
    while os.read(sys.stdin.fileno(), 1024):
        pass
    group = os.getpgrp()
    # The kill would hit its sender, so it is sent by a child that has left the group.
    if os.fork() == 0:
        os.setpgid(0, 0)
        os.killpg(group, signal.SIGKILL)
        _remove(scratch)
        os._exit(0)
    signal.pause()


def _remove(scratch: str) -> None:
    # Does not wait for the group to be gone: where no init process reaps, the dead stay visible for ever. One that is
    # dying may still finish a file, which the next attempt removes; in a folder that is gone it can create none.
    for _ in range(REMOVAL_ATTEMPTS):
        shutil.rmtree(scratch, ignore_errors=True)
        if not os.path.lexists(scratch):
            return
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
