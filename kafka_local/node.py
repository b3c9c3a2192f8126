"""One node: a Java process that can be started, stopped, killed and paused, and keeps its data and ports meanwhile."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING

from kafka_local.brokerlog import BrokerLog
from kafka_local.errors import BrokerFailedError
from kafka_local.installation import BROKER_LOGGING

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_local.guard import Guard
    from kafka_local.installation import Installation
    from kafka_local.properties import Endpoint

SERVING_WITHIN_SECONDS = 180.0  # some seconds; a busy machine that starts several takes a minute
STOPPED_WITHIN_SECONDS = 15.0
POLL_SECONDS = 0.02
HEAP = ("-Xms128m", "-Xmx512m")


class Node:
    """A broker and controller in one. ``folder`` holds server.properties, the data and the log ``kafka.log``."""

    def __init__(
        self,
        endpoint: Endpoint,
        folder: Path,
        installation: Installation,
        guard: Guard,
        options: tuple[str, ...] = (),
    ) -> None:
        self.id = endpoint.node_id
        self.address = endpoint.address
        self.back_port = endpoint.back_port
        self.log_path = folder / "kafka.log"
        self._folder = folder
        self._installation = installation
        self._guard = guard
        self._options = options
        self._log = BrokerLog(self.log_path)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether there is a Java process; a paused one counts."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The Java process's id; raises BrokerFailedError when there is none."""
        return self._running_process().pid

    @property
    def serving(self) -> bool:
        """Whether the running process has said that clients can work with it (see ``brokerlog``)."""
        return self.running and self._log.says_serving()

    def start(self) -> None:
        """Launch the node on the data and ports it had, and wait until it serves."""
        self.launch()
        self.wait_until_serving()

    def launch(self) -> None:
        """Start the Java process and return at once: right where several nodes need one another to serve."""
        if self.running:
            raise BrokerFailedError(f"node {self.id} is running already")
        temporary = self._folder / "tmp"
        temporary.mkdir(exist_ok=True)
        # Native libraries are unpacked there; a killed Java would leave them in the system's temporary folder.
        options = (*HEAP, *BROKER_LOGGING, f"-Djava.io.tmpdir={temporary}", *self._options)
        with self._log.open_for_run() as output:
            self._process = self._guard.spawn(
                self._installation.command("kafka.Kafka", "server.properties", options=options),
                folder=self._folder,
                environment=self._installation.environment,
                output=output,
            )

    def wait_until_serving(self, within_seconds: float = SERVING_WITHIN_SECONDS) -> None:
        """Return once clients can work with the node.

        Raises BrokerFailedError, with the end of its log, when it ended or is not serving in time.
        """
        deadline = time.monotonic() + within_seconds
        while not self.serving:
            if not self.running:
                code = None if self._process is None else self._process.returncode
                raise BrokerFailedError(self.failure(f"ended (exit code {code}) before it served"))
            if time.monotonic() > deadline:
                raise BrokerFailedError(self.failure(f"was not serving within {within_seconds:g} s"))
            time.sleep(POLL_SECONDS)

    def failure(self, what: str) -> str:
        """Return a sentence that ``what`` happened to this node, followed by the end of its log."""
        return f"node {self.id} {what}; the end of {self.log_path}, stack frames left out:\n{self._log.tail()}"

    def ask_to_stop(self) -> None:
        """Send SIGTERM and return at once; a paused node is resumed for it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(signal.SIGTERM)

    def stop(self, within_seconds: float = STOPPED_WITHIN_SECONDS) -> bool:
        """Shut the node down in order, or kill it when it takes longer; return whether it took no killing."""
        self.ask_to_stop()
        if self._process is not None:
            try:
                self._process.wait(within_seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                return False
        return True

    def kill(self) -> None:
        """End the node as a crash would, with SIGKILL, and return when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """Freeze the node with SIGSTOP: its connections stay open and nothing answers; one must be running."""
        self._running_process().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused node go on; one must be there."""
        self._running_process().send_signal(signal.SIGCONT)

    def _running_process(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise BrokerFailedError(f"node {self.id} is not running")
        return self._process
