"""Processes that are measured: started so that they cannot outlive us, and what they take."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import psutil

from kafka_local.guard import Guard

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from types import TracebackType

ROOT: Final = Path(__file__).resolve().parents[1]
STOP_SECONDS: Final = 20.0
KIB: Final = 1024
TOLD_CHARACTERS: Final = 400


class EndedError(Exception):
    """A process ended, or hung, that should have gone on; the sentence has the end of its log."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process, and how it looks from outside."""

    process: subprocess.Popen[bytes]
    watched: psutil.Process
    log: Path

    def cpu_seconds(self) -> float:
        """Return the processor time of all its threads so far, user and system, in steps of 10 ms."""
        times = self.watched.cpu_times()
        return float(times.user + times.system)

    def peak_mib(self) -> float:
        """Return its greatest resident memory so far; where the system does not tell, that of now."""
        status = Path(f"/proc/{self.process.pid}/status")
        if status.exists():
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / KIB
        return float(self.watched.memory_info().rss) / KIB**2


class Processes:
    """The processes of one round, by name, for the time of a ``with`` block."""

    def __init__(self) -> None:
        self._guard = Guard()
        self.running: dict[str, Running] = {}

    @property
    def scratch(self) -> Path:
        """Return a folder that is removed with them."""
        return self._guard.scratch

    def __enter__(self) -> Self:
        """Return them."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End those that still run: asked at first, killed where they take too long."""
        for running in self.running.values():
            running.process.terminate()
        try:
            _, late = psutil.wait_procs([running.watched for running in self.running.values()], timeout=STOP_SECONDS)
            for process in late:
                process.kill()
            for running in self.running.values():
                running.process.wait(STOP_SECONDS)
        finally:
            self._guard.release()

    def start(self, name: str, command: Sequence[str], environ: Mapping[str, str], folder: Path = ROOT) -> Running:
        """Start a command in the project's folder, or a copy's; its output goes to a log that is removed at the end."""
        log = self._guard.scratch / f"{name}.log"
        with log.open("ab") as output:
            process = self._guard.spawn(command, folder=folder, environment={**os.environ, **environ}, output=output)
        self.running[name] = found = Running(process, psutil.Process(process.pid), log)
        return found

    def module(
        self, name: str, module: str, environ: Mapping[str, str], *arguments: str, folder: Path = ROOT
    ) -> Running:
        """Start a module of the project, or of a copy, as a process of its own."""
        return self.start(name, [sys.executable, "-m", module, *arguments], environ, folder)

    def check(self) -> None:
        """Raise EndedError where one has ended with an error."""
        for name, running in self.running.items():
            if code := running.process.poll():
                raise EndedError(f"{name} ended with exit code {code}: {_end_of(running.log)}")

    def cpu_seconds(self) -> dict[str, float]:
        """Return the processor time of each so far, but of those that are done.

        Raises:
            EndedError: one has ended with an error.

        """
        self.check()
        found = {}
        for name, running in self.running.items():
            with suppress(psutil.NoSuchProcess):
                found[name] = running.cpu_seconds()
        return found


def _end_of(log: Path) -> str:
    text = log.read_text(errors="replace") if log.exists() else ""
    return " ".join(text[-TOLD_CHARACTERS:].split())
