"""What is measured beside our own: an environment for each peer, and a compiled copy, below ``build/bench``."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from bench.processes import ROOT
from compiling.copying import SERVICES, NotCompiledError, compiled_copy

if TYPE_CHECKING:
    from pathlib import Path

CACHE: Final = ROOT / "build" / "bench"
INSTALLED_WITHIN_SECONDS: Final = 600.0
TOLD_CHARACTERS: Final = 300
SOURCES: Final = frozenset({".py", ".yaml", ".json"})


class NotInstalledError(Exception):
    """A peer could not be installed, or the copy not compiled; the sentence says why."""


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


def compiled_sources() -> Path:
    """Return a folder with the services as they stand here, compiled; sources that changed get a new one.

    Raises:
        NotInstalledError: there is no compiler, or it fails.

    """
    found = hashlib.sha256(sys.version.encode())
    for name in SERVICES:
        for source in sorted((ROOT / name).rglob("*")):
            if source.suffix in SOURCES:
                found.update(source.read_bytes())
    folder = CACHE / f"compiled-{found.hexdigest()[:12]}"
    stamp = folder / "complete"
    if not stamp.exists():
        for old in CACHE.glob("compiled-*"):
            shutil.rmtree(old)
        folder.mkdir(parents=True)
        try:
            compiled_copy(folder)
        except NotCompiledError as error:
            raise NotInstalledError(str(error)[-TOLD_CHARACTERS:]) from error
        stamp.touch()
    return folder


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
