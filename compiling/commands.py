"""Commands that install or build something: they succeed, or say in a sentence why not."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WITHIN_SECONDS: Final = 600.0
TOLD_CHARACTERS: Final = 300


class CommandError(Exception):
    """A command could not be run, took too long or failed; the sentence has the end of what it said."""


def carry_out(command: Sequence[str], folder: Path | None = None) -> None:
    """Run a command, in a folder where one is given.

    Raises:
        CommandError: it did not succeed within ten minutes.

    """
    try:
        done = subprocess.run(  # noqa: S603 (what is run is ours)
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=WITHIN_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(str(error)) from error
    if done.returncode:
        told = " ".join((done.stderr or done.stdout).split())
        raise CommandError(f"exit code {done.returncode}: {told[-TOLD_CHARACTERS:]}")
