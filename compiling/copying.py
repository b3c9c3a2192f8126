"""A compiled copy of the services, beside an original that stays as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.runtime.compiled import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVICES: Final = ("pipeline", "generator", "detector", "legit_processor", "fraud_processor", "rules", "compiling")
LEFT_BEHIND: Final = shutil.ignore_patterns("*.so", "*.sha256", "__pycache__")
BUILT_WITHIN_SECONDS: Final = 600.0
TOLD_CHARACTERS: Final = 2_000


class NotCompiledError(Exception):
    """The copy could not be compiled; the sentence says why."""


def can_compile() -> bool:
    """Tell whether there are a C compiler and the headers of Python."""
    return shutil.which("cc") is not None and Path(sysconfig.get_path("include"), "Python.h").is_file()


def compiled_copy(folder: Path, more: Iterable[str] = ()) -> None:
    """Copy the services, and ``more`` of the project by name, into a folder that is there, and compile them in it.

    Raises:
        NotCompiledError: there is no compiler, or it fails.

    """
    for name in (*SERVICES, *more):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LEFT_BEHIND)
        else:
            shutil.copy(source, folder)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "compiling"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILT_WITHIN_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotCompiledError(str(error)) from error
    if ended.returncode:
        raise NotCompiledError((ended.stderr or ended.stdout).strip()[-TOLD_CHARACTERS:])
