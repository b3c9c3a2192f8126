"""What commands print, to whoever reads it for as long as they do."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

# As the shell has it of a process that SIGPIPE has ended: who read has seen enough.
EXIT_READER_LEFT: Final = 141


def to_its_end(command: Callable[[], int]) -> int:
    """Return a command's exit code; where its reader leaves before the end, such as ``head``, nothing is said of it."""
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer must not fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_READER_LEFT
    return code
