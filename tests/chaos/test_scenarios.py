"""The short form of ``make chaos``: each of its quicker scenarios once, two at a time; the auditor decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.runtime.record_path import BATCHES, CLIENT_BATCHES, RECORDS
from tests.chaos.ground import GROUNDS
from tests.chaos.lanes import Lanes, Play
from tests.chaos.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.chaos

KILLS = 2
SEED = 20
ENDS_WITHIN = 600.0
# What the record paths differ in is how records get to brokers, and from the client's consumer.
OTHER_PATHS = {"killed-at-every-step": (RECORDS,), "coordinators-move": (RECORDS, CLIENT_BATCHES)}
PLAYS = [
    *(Play(scenario, BATCHES) for scenario in SCENARIOS if scenario.short),
    *(Play(scenario, path) for scenario in SCENARIOS for path in OTHER_PATHS.get(scenario.name, ())),
]


@pytest.fixture(scope="module")
def lanes(request: pytest.FixtureRequest) -> Iterator[Lanes]:
    """Play what was asked for, beside the tests that wait for it."""
    asked = [
        item.callspec.params["play"]
        for item in request.session.items
        if hasattr(item, "callspec") and isinstance(item.callspec.params.get("play"), Play)
    ]
    with Lanes(asked, KILLS, SEED) as playing:
        yield playing


@pytest.mark.timeout(ENDS_WITHIN + 60)
@pytest.mark.parametrize("play", [pytest.param(play, id=f"{play.scenario.name}-{play.record_path}") for play in PLAYS])
def test_nothing_is_lost_or_doubled(play: Play, lanes: Lanes) -> None:
    """The pipeline goes on by itself, no service ends, each transaction has one outcome and each outcome one effect."""
    result = lanes.result(play, ENDS_WITHIN)
    assert result.passed, f"{result.audit} {result.failure}"
    assert result.judged > 0
    assert result.faults > 0


def test_every_scenario_says_what_it_does() -> None:
    """Names are distinct, each has a sentence for the table, and each Kafka is one that can be had."""
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    assert OTHER_PATHS.keys() <= {scenario.name for scenario in SCENARIOS if scenario.short}
    assert all(scenario.told.endswith(".") and scenario.ground in GROUNDS for scenario in SCENARIOS)
