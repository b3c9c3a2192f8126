"""A verdict is a function of the log, whoever gave it and whatever was killed: judged again, each is the same."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from demo.settings import BEHAVIOUR
from detector.settings import DetectorSettings
from pipeline.contracts import topics
from tests.support.eventually import eventually
from tests.support.judged_again import judged_again, outcomes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

COUNT = 6_000  # a day of the realistic scenario
PER_SECOND = 400
KILLS = 5
HANDLED_BETWEEN = 800
GOES_ON_WITHIN = 60.0


def committed(pipeline: Deployment) -> int:
    """Return how many offsets of the input are handled."""
    return sum(pipeline.committed("detector").values())


def test_verdicts_are_the_same_byte_for_byte_when_they_are_given_again(
    deploy: Callable[..., Deployment], tmp_path: Path
) -> None:
    """Two detectors that remember are killed again and again; what they know comes from the log each time."""
    pipeline = deploy(
        partitions=3,
        **BEHAVIOUR,
        GENERATOR_SEED="5",
        GENERATOR_START="2026-01-31T08:00:00Z",
        TRANSACTIONS_PER_SECOND=str(PER_SECOND),
        TRANSACTIONS_COUNT=str(COUNT),
    )
    log, chance = tmp_path / "detector.log", Random(5)  # noqa: S311 (no secret)
    detectors = [pipeline.spawn("detector", log) for _ in range(2)]
    generator = pipeline.spawn("generator", tmp_path / "generator.log")
    for number in range(1, KILLS + 1):
        handled = number * HANDLED_BETWEEN
        eventually(lambda least=handled: committed(pipeline) >= least, GOES_ON_WITHIN, f"{handled} to be handled")  # type: ignore[misc]
        killed = detectors.pop(chance.randrange(len(detectors)))
        killed.kill()
        killed.wait(10)
        detectors.append(pipeline.spawn("detector", log))
    assert generator.wait(60) == 0
    report = pipeline.wait_until_judged(COUNT)
    assert report.clean
    judged = outcomes(pipeline)
    assert len(judged) == COUNT
    again = judged_again(pipeline, lambda: DetectorSettings.from_env(pipeline.environ).rules)
    differing = [f"{place}: {judged[place]} is not {one}" for place, one in again.items() if judged[place] != one]
    assert differing == []
    fired = Counter(topic for topic, *_ in judged.values())
    assert fired[topics.FRAUD.key] > 20
