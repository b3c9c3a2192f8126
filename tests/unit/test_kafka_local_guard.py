"""Processes and temporary data end with whoever holds the guard; plain shells stand in for Java here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from kafka_local.guard import Guard
from tests.support.eventually import eventually

ROOT = Path(__file__).resolve().parents[2]
GONE_WITHIN_SECONDS = 60.0

# Holds a guard, starts a child that ignores what can be ignored, says its pid and the folder, and waits to be killed.
HOLDER = """
import os, signal
from kafka_local.guard import Guard
guard = Guard()
with open(os.devnull, "wb") as nowhere:
    child = guard.spawn(
        ["/bin/sh", "-c", "trap '' TERM HUP INT; while :; do sleep 60; done"],
        folder=guard.scratch, environment={"PATH": os.environ["PATH"]}, output=nowhere,
    )
print(child.pid, guard.scratch, flush=True)
signal.pause()
"""


def is_alive(pid: int) -> bool:
    """Return whether ``pid`` is a process that is not dead; one that waits to be reaped is."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(found.strip()) and not found.strip().startswith("Z")


def test_release_kills_and_removes() -> None:
    """After release neither the child nor the folder is left; a second release does nothing."""
    guard = Guard()
    (guard.scratch / "file").touch()
    with (guard.scratch / "log").open("wb") as log:
        child = guard.spawn(["/bin/sleep", "600"], folder=guard.scratch, environment={}, output=log)
    guard.release()
    assert child.wait(GONE_WITHIN_SECONDS) == -signal.SIGKILL
    assert not guard.scratch.exists()
    guard.release()


def test_nothing_outlives_a_holder_that_was_killed() -> None:
    """SIGKILL of the holder ends a child that ignores signals and is stopped, and removes the folder."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder, holder.stdout:
        pid, folder = holder.stdout.readline().split()
        assert is_alive(int(pid))
        os.kill(int(pid), signal.SIGSTOP)
        holder.kill()
    eventually(lambda: not is_alive(int(pid)), GONE_WITHIN_SECONDS, "the child's end")
    eventually(lambda: not Path(folder).exists(), GONE_WITHIN_SECONDS, "the folder to go")
