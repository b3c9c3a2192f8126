"""The collector of cycles in a service: what is there stays, and what is new is walked seldom."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from pipeline.runtime.collector import YOUNG, settle

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the collector as it was."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_is_there_is_frozen_and_the_rest_is_walked_seldom() -> None:
    """Nothing is left for the collector to walk, and the older generations keep Python's own thresholds."""
    older = gc.get_threshold()[1:]
    gc.unfreeze()
    settle()
    assert gc.get_freeze_count() > YOUNG
    assert gc.get_threshold() == (YOUNG, *older)
    assert gc.isenabled()


def test_garbage_of_many_new_objects_still_goes_by_itself() -> None:
    """Cycles that nobody refers to are collected once there are so many new objects."""
    settle()
    before = gc.get_stats()[0]["collections"]
    kept = [[number] for number in range(2 * YOUNG)]
    assert gc.get_stats()[0]["collections"] > before
    assert len(kept) == 2 * YOUNG
