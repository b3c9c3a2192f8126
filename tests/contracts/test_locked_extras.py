"""The lock files name the extras that are asked for, or an installation ends with the next release of what has them.

An older pip looks for the newest release of ``name[extra]`` where only ``name`` is pinned, finds one that the lock has
no hash of, and gives up (pypa/pip#9644).
"""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[(?P<extras>[^\]]+)\])?==", re.MULTILINE)


def _locked(file: str) -> dict[str, set[str]]:
    found = LOCKED.finditer((ROOT / file).read_text())
    return {canonicalize_name(one["name"]): set((one["extras"] or "").split(",")) - {""} for one in found}


def _asked_for(by: set[str]) -> set[tuple[str, str, str]]:
    """Return who asks for which extra of what, of the installed distributions ``by`` without extras of their own."""
    asked: set[tuple[str, str, str]] = set()
    for distribution in distributions():
        name = canonicalize_name(distribution.metadata["Name"])
        for line in (distribution.requires or []) if name in by else []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                asked |= {(name, canonicalize_name(needed.name), extra) for extra in needed.extras}
    return asked


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_what_is_locked_names_the_extras_that_are_asked_for(file: str) -> None:
    """Each extra that a locked distribution asks for stands in the lock, beside the version."""
    locked = _locked(file)
    asked = _asked_for(set(locked))
    assert asked, "no distribution asks for extras: this test looks at nothing"
    missing = sorted(
        f"{by} asks for {name}[{extra}]" for by, name, extra in asked if extra not in locked.get(name, {extra})
    )
    assert not missing, f"{file}: {missing}; make lock"
