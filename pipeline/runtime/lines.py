"""Lines for people, held back until the records they tell of are committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


class StagedLines:
    """Collects lines during a transaction. A crash between the commit and the printing loses them, never repeats."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[str] = []

    def add(self, line: str) -> None:
        """Stage a line, given without its line end and already safe to print."""
        self._lines.append(line)

    def committed(self) -> None:
        """Print what was staged."""
        if self._lines:
            text = "\n".join(self._lines) + "\n"
            # A terminal that lacks a character gets its escape: a name must not end the service.
            encoding = self._stream.encoding or "utf-8"
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self._stream.flush()
            self._lines.clear()

    def aborted(self) -> None:
        """Drop what was staged."""
        self._lines.clear()
