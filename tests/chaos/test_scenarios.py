"""The short form of ``make chaos``: each of its quicker scenarios once; the auditor decides."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.chaos.ground import GROUNDS, Ground
from tests.chaos.playing import play
from tests.chaos.scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.chaos

KILLS = 2
SEED = 20


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


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "scenario", [pytest.param(scenario, id=scenario.name) for scenario in SCENARIOS if scenario.short]
)
def test_nothing_is_lost_or_doubled(scenario: Scenario, ground: Callable[[str], Ground]) -> None:
    """The pipeline goes on by itself, no service ends, each transaction has one outcome and each outcome one effect."""
    result = play(scenario, ground(scenario.ground), scenario.length(KILLS), SEED)
    assert result.passed, f"{result.audit} {result.failure}"
    assert result.judged > 0
    assert result.faults > 0


def test_every_scenario_says_what_it_does() -> None:
    """Names are distinct, each has a sentence for the table, and each Kafka is one that can be had."""
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    assert all(scenario.told.endswith(".") and scenario.ground in GROUNDS for scenario in SCENARIOS)
