"""What tests of whole processes share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import browser
from tests.support.page import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.deployment import Deployment

__all__ = ["browser"]  # the fixture: taken over by each module for itself, there would be one browser for each


@pytest.fixture
def shown(deploy: Callable[..., Deployment], tmp_path: Path) -> Iterator[tuple[Deployment, Shown]]:
    """Provide a pipeline that judges, with its dashboard."""
    pipeline = deploy(partitions=2)
    with pipeline.running("detector"):
        yield pipeline, Shown(pipeline, tmp_path / "dashboard.log")
