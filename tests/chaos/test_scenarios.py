"""The short form of ``make chaos``: each of its quicker scenarios once; the auditor decides."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from pipeline.runtime.record_path import BATCHES, RECORDS
from tests.chaos.ground import GROUNDS, Ground
from tests.chaos.playing import play
from tests.chaos.scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.chaos

KILLS = 2
SEED = 20
# What the two record paths differ in is how records get to the client's producer and from its consumer.
ONE_BY_ONE = ("killed-at-every-step", "coordinators-move")


@pytest.fixture(scope="module")
def ground() -> Iterator[Callable[[str], Ground]]:
    """Provide Kafkas that may be hurt, each started when it is first asked for."""
    started: dict[str, Ground] = {}
    with ExitStack() as stack:

        def get(kind: str) -> Ground:
            if kind not in started:
                started[kind] = stack.enter_context(GROUNDS[kind]())
            return started[kind]

        yield get


def _nothing_is_lost(scenario: Scenario, ground: Ground, record_path: str) -> None:
    result = play(scenario, ground, scenario.length(KILLS), SEED, record_path=record_path)
    assert result.passed, f"{result.audit} {result.failure}"
    assert result.judged > 0
    assert result.faults > 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "scenario", [pytest.param(scenario, id=scenario.name) for scenario in SCENARIOS if scenario.short]
)
def test_nothing_is_lost_or_doubled(scenario: Scenario, ground: Callable[[str], Ground]) -> None:
    """The pipeline goes on by itself, no service ends, each transaction has one outcome and each outcome one effect."""
    _nothing_is_lost(scenario, ground(scenario.ground), BATCHES)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "scenario", [pytest.param(scenario, id=scenario.name) for scenario in SCENARIOS if scenario.name in ONE_BY_ONE]
)
def test_nor_where_records_go_one_by_one(scenario: Scenario, ground: Callable[[str], Ground]) -> None:
    """The fallback holds as well: with every step of the loop killed, and while coordinators move."""
    _nothing_is_lost(scenario, ground(scenario.ground), RECORDS)


def test_every_scenario_says_what_it_does() -> None:
    """Names are distinct, each has a sentence for the table, and each Kafka is one that can be had."""
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    assert set(ONE_BY_ONE) <= {scenario.name for scenario in SCENARIOS if scenario.short}
    assert all(scenario.told.endswith(".") and scenario.ground in GROUNDS for scenario in SCENARIOS)
