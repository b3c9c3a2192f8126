"""A verdict is a function of the log, whoever gave it and whatever was killed: judged again, each is the same."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from demo.settings import BEHAVIOUR
from detector.bound import Bound
from detector.rules.command import parse
from detector.rules.commands.running import carry_out
from detector.settings import DetectorSettings
from generator.connecting import publisher_of
from generator.labelled import LabelledPublisher
from generator.sending import Sender
from generator.settings import GeneratorSettings
from generator.sources import realistic_source
from pipeline.contracts import topics
from pipeline.runtime.lifecycle import Stop
from tests.support.eventually import eventually
from tests.support.judged_again import judged_again, judged_again_in_stages, outcomes

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from detector.rules.ruleset import RuleSet
    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

COUNT = 6_000  # a day of the realistic scenario
PARTITIONS = 3
LITTLE_BYTES = 600_000  # the accounts of that day take some megabytes
PER_SECOND = 400
KILLS = 5
SENT_BETWEEN = COUNT // (KILLS + 1)
HANDLED_BETWEEN = 800
GOES_ON_WITHIN = 120.0
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
        **variables,
    )


@contextmanager
def sending(pipeline: Deployment) -> Iterator[Callable[[int], None]]:
    """Yield what sends so many transactions more of that day, and returns when all of them are under way."""
    settings, stop = GeneratorSettings.from_env(pipeline.environ), Stop()
    source = realistic_source(settings, Random(settings.seed), datetime.now(UTC))  # noqa: S311 (no secret)
    both = LabelledPublisher(
        publisher_of(settings, topics.TRANSACTIONS, stop), publisher_of(settings, topics.LABELS, stop)
    )

    def send(count: int) -> None:
        assert Sender(source, both, settings.per_second, count, lambda: None).run(stop) == count
        eventually(lambda: not both.push(), GOES_ON_WITHIN, "all to be handed to the client")

    yield send
    both.finish(GOES_ON_WITHIN)


class Detectors:
    """Two of them, each with a log of its own, of which one is killed again and again."""

    def __init__(self, pipeline: Deployment, logs: Path) -> None:
        self._pipeline, self._logs = pipeline, logs
        self._started = 0
        self._live: list[tuple[subprocess.Popen[bytes], Path]] = []
        for _ in range(2):
            self._start()

    def _start(self) -> None:
        self._started += 1
        log = self._logs / f"detector-{self._started}.log"
        self._live.append((self._pipeline.spawn("detector", log), log))

    def replace(self, number: int) -> None:
        """Kill one, and start another."""
        killed, _ = self._live.pop(number)
        killed.kill()
        killed.wait(10)
        self._start()

    def told(self) -> str:
        """Return the logs of all that there were."""
        return "".join(log.read_text() for log in sorted(self._logs.glob("detector-*.log")))

    def all_say(self, text: str) -> bool:
        """Tell whether a text stands in the log of each that lives."""
        return all(text in log.read_text() for _, log in self._live)


def judged_between_kills(pipeline: Deployment, detectors: Detectors) -> Iterator[int]:
    """Let two detectors judge that day, and kill one again and again; before each kill its number is handed out.

    What is sent never runs ahead: whatever is done with the number is done before a sixth of the day, at the least, is
    sent. Each kill comes while what was sent last is on its way.
    """
    chance = Random(5)  # noqa: S311 (no secret)
    with sending(pipeline) as send:
        send(SENT_BETWEEN)
        for number in range(1, KILLS + 1):
            handled = number * HANDLED_BETWEEN
            eventually(lambda least=handled: committed(pipeline) >= least, GOES_ON_WITHIN, f"{handled} to be handled")  # type: ignore[misc]
            yield number
            send(SENT_BETWEEN // 2)
            detectors.replace(chance.randrange(2))
            send(SENT_BETWEEN - SENT_BETWEEN // 2)
    assert pipeline.wait_until_judged(COUNT).clean


def test_verdicts_are_the_same_byte_for_byte_when_they_are_given_again(
    deploy: Callable[..., Deployment], tmp_path: Path
) -> None:
    """What the detectors that remember know comes from snapshots and the log each time; here, from the input alone."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(SHIPPED[: SHIPPED.index("  - id: fan-in")])
    pipeline = started(deploy, rules)
    for _ in judged_between_kills(pipeline, Detectors(pipeline, tmp_path)):
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
    detectors = Detectors(pipeline, tmp_path)
    for _ in judged_between_kills(pipeline, detectors):
        pass
    log = detectors.told()
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
    """Between the kills rules are pushed: some look at the same past with another limit, some at another past.

    Nothing is sent before both detectors have heard of a push: what comes then is judged by it, however long all takes.
    """
    shipped = Path(BEHAVIOUR["RULES_FILE"])
    files = {"shipped": shipped}
    for name, old, new in (("limit", "> 10\n", "> 1\n"), ("window", 'count("1m")', 'count("3h")')):
        files[name] = tmp_path / f"{name}.yaml"
        files[name].write_text(SHIPPED.replace(old, new))
        assert files[name].read_text() != SHIPPED
    pipeline = started(deploy, shipped, STATE_MAX_BYTES=str(most))
    pushes = {1: "limit", 2: "window", 4: "shipped"}
    detectors = Detectors(pipeline, tmp_path)
    for number in judged_between_kills(pipeline, detectors):
        if number in pushes:
            pushed = files[pushes[number]]
            asked = parse(["push", str(pushed), "--author", f"ann-{number}"])
            assert carry_out(asked, pipeline.environ, Stop()) == 0
            put = f"in force, put by ann-{number} at"
            eventually(lambda text=put: detectors.all_say(text), GOES_ON_WITHIN, f"both to say: {put}")  # type: ignore[misc]
    judged = outcomes(pipeline)
    assert len(judged) == COUNT

    def loaded_files() -> dict[str, RuleSet]:
        found = [
            DetectorSettings.from_env({**pipeline.environ, "RULES_FILE": str(path)}).rules for path in files.values()
        ]
        return {rules.version: rules for rules in found}

    def load(version: str) -> RuleSet:
        loaded = loaded_files()[version]
        Bound(most, [PARTITIONS, PARTITIONS]).apply(loaded)
        return loaded

    log = detectors.told()
    assert ("values of keys were evicted" in log) is bool(most)

    versions: set[str] = set()
    again = judged_again_in_stages(pipeline, topics.hop_by("target"), load, versions)
    differing = [f"{place}: {judged[place]} is not {one}" for place, one in again.items() if judged[place] != one]
    assert differing == []
    assert len(again) == COUNT
    assert versions == set(loaded_files())
    assert Counter(topic for topic, *_ in judged.values())[topics.FRAUD.key] > 20
