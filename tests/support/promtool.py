"""Prometheus' own tool: one that is installed, else the one in its image."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.compose import ROOT, require_docker

if TYPE_CHECKING:
    from pathlib import Path

IMAGE: Final = "prom/prometheus:v2.53.3"
FOLDER: Final = ROOT / "observability"


def promtool(*arguments: str, folder: Path = FOLDER) -> str:
    """Return what it prints about files in a folder, which it runs in; fail where it finds something wrong."""
    if shutil.which("promtool"):
        command = ["promtool"]
    else:
        require_docker()
        mounted = ["--volume", f"{folder}:/files:ro", "--workdir", "/files", "--entrypoint", "promtool"]
        command = ["docker", "run", "--rm", "--network", "none", *mounted, IMAGE]
    run = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    said = run.stdout + run.stderr
    if run.returncode:
        pytest.fail(f"promtool {' '.join(arguments)}: {said}")
    return said
