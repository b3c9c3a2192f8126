"""What may be compiled, and what is refused because it is not what its sources say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.runtime import compiled
from pipeline.runtime.compiled import (
    COMPILED,
    INTERPRETED,
    MODULES,
    StaleBuildError,
    digest,
    how_it_runs,
    refuse_stale_build,
    source_of,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide the note of a build that was just made."""
    noted = tmp_path / "stamp"
    noted.write_text(digest())
    monkeypatch.setattr(compiled, "STAMP", noted)
    return noted


def built(monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]) -> None:
    """Let modules be compiled."""
    monkeypatch.setattr(compiled, "_is_built", lambda name: name in names)


def test_every_module_that_is_named_is_there() -> None:
    """One that was moved would silently be interpreted."""
    assert all(source_of(name).is_file() for name in MODULES)


def test_without_a_build_all_is_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is how it comes."""
    built(monkeypatch, ())
    assert how_it_runs() == INTERPRETED


@pytest.mark.usefixtures("stamp")
def test_a_build_of_these_sources_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its note names them."""
    built(monkeypatch, MODULES)
    assert how_it_runs() == COMPILED


@pytest.mark.usefixtures("stamp")
def test_half_of_a_build_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled modules know of each other what was so when they were compiled."""
    built(monkeypatch, MODULES[1:])
    with pytest.raises(StaleBuildError):
        refuse_stale_build()


@pytest.mark.parametrize("noted", ["other sources", None])
def test_a_build_of_other_sources_is_refused(noted: str | None, stamp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nobody knows of which."""
    built(monkeypatch, MODULES)
    if noted is None:
        stamp.unlink()
    else:
        stamp.write_text(noted)
    with pytest.raises(StaleBuildError):
        how_it_runs()
