"""Reads a node's log file for what only the log tells: that the node serves, and why it does not."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Kafka's last line of starting. It comes after the broker caught up with the metadata, was registered and unfenced by
# the controllers' quorum, and opened its listeners to requests (BrokerServer.startup).
SERVING = b"Kafka Server started"
SHOWN_LINES = 25
STACK_FRAME = "\tat "
TAIL_BYTES = 64 * 1024


class BrokerLog:
    """One log file that every run of a node appends to; questions are about the latest run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._position = 0
        self._rest = b""
        self._serving = False

    def open_for_run(self) -> IO[bytes]:
        """Return the file, opened to append, and take what follows for a new run."""
        output = self.path.open("ab")
        self._position = output.tell()
        self._rest = b""
        self._serving = False
        return output

    def says_serving(self) -> bool:
        """Return whether the latest run has said that it serves; reads only what is new since the last call."""
        if not self._serving:
            with self.path.open("rb") as log:
                log.seek(self._position)
                text = self._rest + log.read()
                self._position = log.tell()
            self._serving = SERVING in text
            self._rest = text[-len(SERVING) :]
        return self._serving

    def tail(self) -> str:
        """Return the file's last lines. Stack frames are left out: causes far apart then fit into few lines."""
        with self.path.open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(0, size - TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join([line for line in lines if not line.startswith(STACK_FRAME)][-SHOWN_LINES:])
