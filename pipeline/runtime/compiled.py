"""Which modules may be compiled, whether they are, and that what runs is what stands in their sources (see ADR 10)."""

from __future__ import annotations

import hashlib
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from pipeline.errors import PipelineError

MODULES: Final = (
    "pipeline.contracts.codec",
    "pipeline.contracts.formats.payment",
    "pipeline.contracts.formats.plain",
    "pipeline.contracts.formats.reading",
    "pipeline.contracts.formats.transfer",
    "pipeline.contracts.moments",
    "pipeline.contracts.money",
    "pipeline.runtime.batches.heads",
    "pipeline.runtime.batches.reading",
    "pipeline.runtime.batches.varints",
    "pipeline.runtime.batches.writing",
    "pipeline.runtime.transactional.handling",
)
ROOT: Final = Path(__file__).parents[2]
STAMP: Final = ROOT / "pipeline" / "compiled.sha256"

COMPILED: Final = "compiled"
INTERPRETED: Final = "interpreted"


class StaleBuildError(PipelineError):
    """What was compiled is not what stands in the sources."""


def refuse_stale_build() -> None:
    """Look whether what would run is what stands in the sources, before any of it is relied on.

    Raises:
        StaleBuildError: it is not.

    """
    how_it_runs()


def how_it_runs() -> str:
    """Return whether the modules are compiled or interpreted.

    Raises:
        StaleBuildError: what would run is not what stands in the sources.

    """
    built = [name for name in MODULES if _is_built(name)]
    if not built:
        return INTERPRETED
    if len(built) < len(MODULES) or not STAMP.is_file() or STAMP.read_text() != digest():
        raise StaleBuildError("compiled from other sources than those at hand: make compiled, or make interpreted")
    return COMPILED


def digest() -> str:
    """Return the hash of all sources."""
    found = hashlib.sha256()
    for name in MODULES:
        found.update(source_of(name).read_bytes())
    return found.hexdigest()


def source_of(name: str) -> Path:
    """Return where a module's source stands."""
    return ROOT.joinpath(*name.split(".")).with_suffix(".py")


def _is_built(name: str) -> bool:
    spec = find_spec(name)
    return spec is not None and (spec.origin or "").endswith(tuple(EXTENSION_SUFFIXES))
