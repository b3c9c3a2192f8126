"""Which modules may be compiled, whether they are, and that what runs is what stands in their sources (see ADR 10)."""

from __future__ import annotations

import hashlib
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

from pipeline.errors import PipelineError

MODULES: Final = (
    "detector.gathering",
    "detector.handler",
    "detector.rules.windows.at",
    "detector.rules.windows.clock",
    "detector.rules.windows.computing",
    "detector.rules.windows.distinct",
    "detector.rules.windows.doubt",
    "detector.rules.windows.engine",
    "detector.rules.windows.folded",
    "detector.rules.windows.kept",
    "detector.rules.windows.numbers",
    "detector.rules.windows.panes",
    "detector.rules.windows.reading",
    "detector.rules.windows.sequences",
    "detector.rules.windows.series",
    "detector.rules.windows.sizes",
    "detector.rules.windows.view",
    "detector.staged",
    "pipeline.contracts.codec",
    "pipeline.contracts.formats.payment",
    "pipeline.contracts.formats.plain",
    "pipeline.contracts.formats.reading",
    "pipeline.contracts.formats.transfer",
    "pipeline.contracts.jsonobject",
    "pipeline.contracts.moments",
    "pipeline.contracts.money",
    "pipeline.runtime.batches.heads",
    "pipeline.runtime.batches.partitioning",
    "pipeline.runtime.batches.reading",
    "pipeline.runtime.batches.varints",
    "pipeline.runtime.batches.writing",
    "pipeline.runtime.transactional.handling",
    "pipeline.runtime.transactional.hop_lanes",
)
ROOT: Final = Path(__file__).parents[2]
STAMP: Final = ROOT / "pipeline" / "compiled.sha256"

GROUP: Final = "pipeline"  # what the extension that holds the code begins with

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


def built() -> list[Path]:
    """Return every extension that lies beside a source, or holds the code of all of them."""
    packages = sorted({name.partition(".")[0] for name in MODULES})
    return [
        *ROOT.glob(f"{GROUP}__mypyc*.so"),
        *(path for package in packages for path in ROOT.glob(f"{package}/**/*.so")),
    ]


def how_it_runs() -> str:
    """Return whether the modules are compiled or interpreted.

    Raises:
        StaleBuildError: what would run is not what stands in the sources.

    """
    there = [name for name in MODULES if _is_built(name)]
    if not there:
        return INTERPRETED
    if len(there) < len(MODULES) or not STAMP.is_file() or STAMP.read_text() != digest():
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
    source = source_of(name)
    return any(source.with_suffix(suffix).is_file() for suffix in EXTENSION_SUFFIXES)
