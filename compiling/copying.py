"""A compiled copy of the services, beside an original that stays as it is."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Final

from compiling.commands import carry_out
from pipeline.runtime.compiled import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVICES: Final = ("pipeline", "generator", "detector", "legit_processor", "fraud_processor", "rules", "compiling")
LEFT_BEHIND: Final = shutil.ignore_patterns("*.so", "*.sha256", "__pycache__")


def can_compile() -> bool:
    """Tell whether there are a C compiler and the headers of Python."""
    return shutil.which("cc") is not None and Path(sysconfig.get_path("include"), "Python.h").is_file()


def compiled_copy(folder: Path, more: Iterable[str] = ()) -> None:
    """Copy the services, and ``more`` of the project by name, into a folder that is there, and compile them in it.

    Raises:
        CommandError: there is no compiler, or it fails.

    """
    for name in (*SERVICES, *more):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LEFT_BEHIND)
        else:
            shutil.copy(source, folder)
    carry_out([sys.executable, "-m", "compiling"], folder)
