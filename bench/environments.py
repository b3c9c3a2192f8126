"""What is measured beside our own: an environment for each peer, and a compiled copy, below ``build/bench``."""

from __future__ import annotations

import hashlib
import shutil
import sys
from typing import TYPE_CHECKING, Final

from bench.processes import ROOT
from compiling.commands import carry_out
from compiling.copying import SERVICES, compiled_copy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CACHE: Final = ROOT / "build" / "bench"
SOURCES: Final = frozenset({".py", ".yaml", ".json"})


def interpreter_for(requirements: Path) -> Path:
    """Return an interpreter that has what a requirements file pins; a file that changed gets a new environment.

    Raises:
        CommandError: it could not be installed.

    """
    pins = requirements.read_bytes()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    def install(folder: Path) -> None:
        carry_out([sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        carry_out([*pip, "-r", str(requirements)])

    name = f"{requirements.stem}-{version}-{hashlib.sha256(pins).hexdigest()[:12]}"
    return _made_once(name, install) / "bin" / "python"


def compiled_sources() -> Path:
    """Return a folder with the services as they stand here, compiled; sources that changed get a new one.

    Raises:
        CommandError: there is no compiler, or it fails.

    """
    found = hashlib.sha256(sys.version.encode())
    for name in SERVICES:
        for source in sorted((ROOT / name).rglob("*")):
            if source.suffix in SOURCES:
                found.update(source.read_bytes())

    def build(folder: Path) -> None:
        for old in CACHE.glob("compiled-*"):
            shutil.rmtree(old)
        folder.mkdir(parents=True)
        compiled_copy(folder)

    return _made_once(f"compiled-{found.hexdigest()[:12]}", build)


def _made_once(name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that is complete; one that is not, as where it was interrupted, is made anew."""
    folder = CACHE / name
    stamp = folder / "complete"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        make(folder)
        stamp.touch()
    return folder
