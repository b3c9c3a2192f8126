"""A virtual environment for each peer, made once below ``build/bench``."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from bench.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CACHE: Final = ROOT / "build" / "bench"
INSTALLED_WITHIN_SECONDS: Final = 600.0
TOLD_CHARACTERS: Final = 300


class NotInstalledError(Exception):
    """A peer could not be installed; the sentence says why."""


def interpreter_for(requirements: Path) -> Path:
    """Return an interpreter that has what a requirements file pins; a file that changed gets a new environment.

    Raises:
        NotInstalledError: it could not be installed.

    """
    pins = requirements.read_bytes()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(pins).hexdigest()[:12]
    folder = CACHE / f"{requirements.stem}-{version}-{digest}"
    interpreter = folder / "bin" / "python"
    stamp = folder / "complete"
    if stamp.exists():
        return interpreter
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)])
    _run([str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)])
    stamp.touch()
    return interpreter


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=INSTALLED_WITHIN_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(str(error)) from error
    if done.returncode:
        told = " ".join(done.stderr.split())
        raise NotInstalledError(f"exit code {done.returncode}: {told[-TOLD_CHARACTERS:]}")
