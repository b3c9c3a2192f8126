"""The launcher's side of the guard process: starts child processes that cannot outlive their launcher.

Must know nothing of Kafka. How the guard does it is told in ``sweeper``.
"""

from __future__ import annotations

import logging
import secrets
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from kafka_local.errors import PreparationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SWEEPER = Path(__file__).with_name("sweeper.py")
SWEPT_WITHIN_SECONDS = 15.0

logger = logging.getLogger(__name__)


class Guard:
    """A temporary folder and a group of processes that both end with this process, or at ``release``.

    A child made by ``os.fork`` alone (multiprocessing's ``fork`` method) shares the pipe and so keeps both alive.
    """

    def __init__(self) -> None:
        # First the name, then a guard that is ready, then the folder: there is no moment to leave one behind.
        self.scratch = Path(tempfile.gettempdir()).resolve() / f"kafka-local-{secrets.token_hex(6)}"
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SWEEPER), str(self.scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )
        if not self._process.stdout or not self._process.stdout.read(1):
            self._process.kill()
            self._process.communicate()
            raise PreparationError("the guard process did not start, and without it Java could stay behind")
        self.scratch.mkdir(mode=0o700)

    def spawn(
        self, command: Sequence[str], *, folder: Path, environment: Mapping[str, str], output: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start ``command`` in ``folder`` with both outputs to ``output``, as one that ends with this process.

        Out of the terminal's foreground group, so that Ctrl-C reaches only the launcher, which stops it in order.
        """
        logger.debug("running %s", " ".join(command))
        # No gap: between fork and exec the child itself holds the pipe open, and it has joined the group by then.
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=self._process.pid,
        )

    def release(self) -> None:
        """Kill what still runs and remove the folder; done, or given up after a bound, on return. Safe to repeat."""
        if self._process.stdin is None or self._process.stdout is None or self._process.stdin.closed:
            return
        self._process.stdin.close()
        try:
            self._process.wait(SWEPT_WITHIN_SECONDS)  # it dies with its group, by the hand of its own child
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        select.select([self._process.stdout], [], [], SWEPT_WITHIN_SECONDS)  # that child ends when all is removed
        self._process.stdout.close()
