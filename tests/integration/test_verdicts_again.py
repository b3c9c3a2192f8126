"""A verdict is a function of the log, whoever gave it and whatever was killed: judged again, each is the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from demo.settings import BEHAVIOUR
from detector.bound import Bound
from detector.rules.command import parse
from detector.rules.commands.running import carry_out
from detector.settings import DetectorSettings
from pipeline.contracts import topics
from pipeline.runtime.lifecycle import Stop
from tests.support.eventually import eventually
from tests.support.judged_again import judged_again, judged_again_in_stages, outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from detector.rules.ruleset import RuleSet
    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

COUNT = 6_000  # a day of the realistic scenario
PARTITIONS = 3
LITTLE_BYTES = 600_000  # the accounts of that day take some megabytes
PER_SECOND = 400
KILLS = 5
HANDLED_BETWEEN = 800
GOES_ON_WITHIN = 60.0
SHIPPED = Path(BEHAVIOUR["RULES_FILE"]).read_text()


def committed(pipeline: Deployment) -> int:
    """Return how many offsets of the input are handled."""
    return sum(pipeline.committed("detector").values())


def started(deploy: Callable[..., Deployment], rules: Path, **variables: str) -> Deployment:
    """Return a pipeline for a day of the realistic scenario, with these rules, and variables beside the usual."""
    return deploy(
        partitions=PARTITIONS,
        **(BEHAVIOUR | {"RULES_FILE": str(rules)}),
        SNAPSHOT_INTERVAL="1",
        GENERATOR_SEED="5",
        GENERATOR_START="2026-01-31T08:00:00Z",
        TRANSACTIONS_PER_SECOND=str(PER_SECOND),
        TRANSACTIONS_COUNT=str(COUNT),
        **variables,
    )


def judged_between_kills(pipeline: Deployment, tmp_path: Path) -> Iterator[int]:
    """Let two detectors judge that day, and kill one again and again; before each kill its number is handed out."""
    log, chance = tmp_path / "detector.log", Random(5)  # noqa: S311 (no secret)
    detectors = [pipeline.spawn("detector", log) for _ in range(2)]
    generator = pipeline.spawn("generator", tmp_path / "generator.log")
    for number in range(1, KILLS + 1):
        handled = number * HANDLED_BETWEEN
        eventually(lambda least=handled: committed(pipeline) >= least, GOES_ON_WITHIN, f"{handled} to be handled")  # type: ignore[misc]
        yield number
        killed = detectors.pop(chance.randrange(len(detectors)))
        killed.kill()
        killed.wait(10)
        detectors.append(pipeline.spawn("detector", log))
    assert generator.wait(60) == 0
    assert pipeline.wait_until_judged(COUNT).clean


def test_verdicts_are_the_same_byte_for_byte_when_they_are_given_again(
    deploy: Callable[..., Deployment], tmp_path: Path
) -> None:
    """What the detectors that remember know comes from snapshots and the log each time; here, from the input alone."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(SHIPPED[: SHIPPED.index("  - id: fan-in")])
    pipeline = started(deploy, rules)
    for _ in judged_between_kills(pipeline, tmp_path):
        pass
    judged = outcomes(pipeline)
    assert len(judged) == COUNT
    again = judged_again(pipeline, lambda: DetectorSettings.from_env(pipeline.environ).rules)
    differing = [f"{place}: {judged[place]} is not {one}" for place, one in again.items() if judged[place] != one]
    assert differing == []
    fired = Counter(topic for topic, *_ in judged.values())
    assert fired[topics.FRAUD.key] > 20


def test_so_are_those_of_detectors_that_may_remember_little(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """Who takes over evicts what the one before would have evicted, and marks what that would have marked."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(SHIPPED[: SHIPPED.index("  - id: fan-in")])
    pipeline = started(deploy, rules, STATE_MAX_BYTES=str(LITTLE_BYTES))
    for _ in judged_between_kills(pipeline, tmp_path):
        pass
    log = (tmp_path / "detector.log").read_text()
    assert "snapshot written" in log
    assert "values of keys were evicted" in log

    def bounded() -> RuleSet:
        loaded = DetectorSettings.from_env(pipeline.environ).rules
        Bound(LITTLE_BYTES, [PARTITIONS]).apply(loaded)
        return loaded

    judged = outcomes(pipeline)
    again = judged_again(pipeline, bounded)
    differing = [f"{place}: {judged[place]} is not {one}" for place, one in again.items() if judged[place] != one]
    assert differing == []
    marked = [b'"partial":true' in (one.value or b"") or b" partial" in (one.hits or b"") for one in judged.values()]
    assert len(judged) == COUNT
    assert COUNT // 50 < sum(marked) < COUNT


@pytest.mark.parametrize("most", [0, LITTLE_BYTES], ids=["unbounded", "little"])
def test_so_are_those_of_stages_by_the_version_that_each_record_carries(
    deploy: Callable[..., Deployment], tmp_path: Path, most: int
) -> None:
    """Between the kills rules are pushed: some look at the same past with another limit, some at another past."""
    shipped = Path(BEHAVIOUR["RULES_FILE"])
    files = {"shipped": shipped}
    for name, old, new in (("limit", "> 10\n", "> 1\n"), ("window", 'count("1m")', 'count("3h")')):
        files[name] = tmp_path / f"{name}.yaml"
        files[name].write_text(SHIPPED.replace(old, new))
        assert files[name].read_text() != SHIPPED
    pipeline = started(deploy, shipped, STATE_MAX_BYTES=str(most))
    pushes = {1: "limit", 2: "window", 4: "shipped"}
    for number in judged_between_kills(pipeline, tmp_path):
        if number in pushes:
            asked = parse(["push", str(files[pushes[number]])])
            assert carry_out(asked, {**pipeline.environ, "USER": "ann"}, Stop()) == 0
    judged = outcomes(pipeline)
    assert len(judged) == COUNT

    def load(version: str) -> RuleSet:
        found = [
            DetectorSettings.from_env({**pipeline.environ, "RULES_FILE": str(path)}).rules for path in files.values()
        ]
        loaded = next(rules for rules in found if rules.version == version)
        Bound(most, [PARTITIONS, PARTITIONS]).apply(loaded)
        return loaded

    log = (tmp_path / "detector.log").read_text()
    assert ("values of keys were evicted" in log) is bool(most)

    versions: set[str] = set()
    again = judged_again_in_stages(pipeline, topics.hop_by("target"), load, versions)
    differing = [f"{place}: {judged[place]} is not {one}" for place, one in again.items() if judged[place] != one]
    assert differing == []
    assert len(again) == COUNT
    # A machine that is busy may handle all between two pushes before it has heard of the first.
    assert len(versions) > 1
    assert Counter(topic for topic, *_ in judged.values())[topics.FRAUD.key] > 20
