"""The processes of the demo: started together, restarted where they fail, and ended with the demo, however it ends."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.errors import PipelineError, SettingsError
from pipeline.runtime.settings import METRICS_PORT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from kafka_local.guard import Guard

SERVICES: Final = ("detector", "legit_processor", "fraud_processor", "dashboard", "generator")
STOP_SECONDS: Final = 30.0
MAX_RESTARTS: Final = 5


class DemoError(PipelineError):
    """The demo cannot go on; the sentence says which process failed and where its log is."""


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    log: Path
    restarts: int = 0


class Services:
    """The services as child processes of ``guard``, each with a log file in ``folder``."""

    def __init__(self, guard: Guard, root: Path, folder: Path, environ: Mapping[str, str]) -> None:
        self._guard = guard
        self._root = root
        self._folder = folder
        self._environ = environ
        self._children: dict[str, _Child] = {}

    def start(self) -> None:
        """Start all of them."""
        for name in SERVICES:
            log = self._folder / f"{name}.log"
            log.unlink(missing_ok=True)
            self._children[name] = _Child(self._spawn(name, log), log)

    def watch(self, say: Callable[[str], None]) -> None:
        """Start again what has failed, as a restart policy would; a generator that is done stays so.

        Raises:
            DemoError: a service fails again and again, or its settings are bad.

        """
        for name, child in self._children.items():
            code = child.process.poll()
            if code is None or (name == "generator" and code == 0):
                continue
            if code == SettingsError.exit_code:
                raise DemoError(f"{name} ended with exit code {code}: {_last_line(child.log)}")
            child.restarts += 1
            if child.restarts > MAX_RESTARTS:
                raise DemoError(f"{name} ended {child.restarts} times, at last with exit code {code}; see {child.log}")
            say(f"{name} ended with exit code {code}, starting it again; see {child.log}")
            child.process = self._spawn(name, child.log)

    def stop(self, *names: str) -> None:
        """Ask these to end, all of them at once, and wait until they have.

        Raises:
            DemoError: one does not end in time or ends with an error.

        """
        for name in names:
            self._children[name].process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for name in names:
            child = self._children[name]
            try:
                code = child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise DemoError(f"{name} does not end within {STOP_SECONDS:g} s; see {child.log}") from None
            if code:
                raise DemoError(f"{name} ended with exit code {code}; see {child.log}")

    def _spawn(self, name: str, log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return self._guard.spawn(
                [sys.executable, "-m", name], folder=self._root, environment=self._environ_of(name), output=output
            )

    def _environ_of(self, name: str) -> dict[str, str]:
        """Return the variables of one service: where figures are asked for, each has a port of its own, in a row."""
        first = self._environ.get(METRICS_PORT.name, "").strip() or METRICS_PORT.default
        port = int(first) and int(first) + SERVICES.index(name)
        return {**self._environ, METRICS_PORT.name: str(port)}


def _last_line(log: Path) -> str:
    return (log.read_text(errors="replace").splitlines() or ["it said nothing"])[-1].strip()


class LocalKafka:
    """A ``python -m kafka_local`` that ends with this process; ``brokers`` is its address once it serves."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._process: subprocess.Popen[str] | None = None
        self.brokers = ""

    def start(self) -> None:
        """Start it and wait until it serves; it bounds that itself, and tells of its progress.

        Raises:
            DemoError: it could not be started; it has said itself why.

        """
        process = self._process = subprocess.Popen(
            [sys.executable, "-m", "kafka_local"],
            cwd=self._root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("ready "):
            process.wait()
            raise DemoError("no Kafka, see above")
        self.brokers = line.removeprefix("ready ").strip()

    def stop(self) -> None:
        """Stop it within bounds, if it was started."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
