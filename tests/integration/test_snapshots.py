"""Snapshots on a real Kafka: a detector that is killed knows again what it knew, though the log does not have it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from detector.settings import DetectorSettings
from detector.snapshots.records import Log, Manifest, chunk_keys, manifest_in
from detector.snapshots.shelf import Shelf
from pipeline.contracts import topics
from pipeline.runtime.clients.cluster import Cluster
from tests.support.eventually import eventually
from tests.support.judged_again import judged_again, log_of, outcomes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

RULES = """
lateness: 1m
rules:
  - {id: many, key: source, window: 1h, when: count() >= 8, score: 60}
  - {id: much, key: source, window: 90s, when: sum(amount) > 15 and count_distinct(target) > 2, currency: any}
  - {id: then, key: source, currency: any, sequence: [amount < 2, amount > 8], within: 1h, score: 50}
"""
FAN_IN = "  - {id: fan-in, key: target, window: 1h, when: count_distinct(source) >= 3 and count() >= 4}\n"
ACCOUNTS = 7
WITHIN = 120.0


def put(pipeline: Deployment, begin: int, end: int) -> None:
    """Write transfers of a few accounts, keyed by them, some of which come late; times are their own."""
    with pipeline.producer() as producer:
        for number in range(begin, end):
            _send(producer, pipeline.name(topics.TRANSACTIONS), number)


def _send(producer: Any, topic: str, number: int) -> None:
    second = number * 5 % 3000 - (200 if number % 11 == 0 else 0)
    members = {
        "transaction_id": f"t-{number}",
        "source": f"A{number % ACCOUNTS}",
        "target": f"B{number * 3 % 5}",
        "amount": 1 + number * 7 % 12,
        "currency": "EUR",
        "timestamp": f"2026-01-31T{8 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z",
    }
    producer.send(topic, json.dumps(members).encode(), key=str(members["source"]).encode(), partition=0)


def started(deploy: Callable[..., Deployment], tmp_path: Path, rules: str = RULES, **variables: str) -> Deployment:
    """Return a pipeline of these rules, with a snapshot a second."""
    path = tmp_path / "rules.yaml"
    path.write_text(rules)
    return deploy(partitions=1, RULES_FILE=str(path), SNAPSHOT_INTERVAL="1", **variables)


def manifests(pipeline: Deployment, topic: str) -> tuple[Log, list[Manifest]]:
    """Return the snapshots that stand in the topic of one log, the newest first."""
    with Cluster(pipeline.settings.kafka, "test") as cluster:
        log = Log(topic, cluster.describe([topic])[topic].id, 0)
    last: dict[bytes, bytes | None] = {}
    shelf = Shelf(log)
    for one in pipeline.records(topics.SNAPSHOTS):
        last[one.key] = one.value
        shelf.take(one.key, one.value)
    found = [made for key, value in last.items() if value and (made := manifest_in(log, key, value)) is not None]
    return log, sorted(found, key=lambda one: one.offset, reverse=True)


def wait_for_snapshot(pipeline: Deployment, topic: str, offset: int) -> Manifest:
    """Return the snapshot of a log at an offset, or of one behind markers, once it is there."""

    def there() -> Manifest | None:
        _, found = manifests(pipeline, topic)
        return found[0] if found and found[0].offset >= offset else None

    found = eventually(there, WITHIN, f"a snapshot of {topic} at {offset}")
    assert found is not None
    return found


def killed(process: Any) -> None:
    """Kill a detector as a machine that loses its power does."""
    process.kill()
    process.wait(10)


def lines(log: Path, message: str) -> list[dict[str, Any]]:
    """Return what a detector has logged under a message."""
    complete = log.read_text().rpartition("\n")[0].splitlines()  # it may be writing the last one
    return [one for line in complete if message in (one := json.loads(line))["message"]]


def test_a_killed_detector_comes_back_from_its_snapshot_though_the_log_is_cut(
    deploy: Callable[..., Deployment], tmp_path: Path
) -> None:
    """What stood before the snapshot is gone from the input: without it, verdicts would be others."""
    pipeline, log = started(deploy, tmp_path), tmp_path / "detector.log"
    name = pipeline.name(topics.TRANSACTIONS)
    detector = pipeline.spawn("detector", log)
    put(pipeline, 0, 150)
    pipeline.wait_until_judged(150)
    offset = wait_for_snapshot(pipeline, name, 150).offset
    killed(detector)
    put(pipeline, 150, 300)
    again = judged_again(pipeline, lambda: DetectorSettings.from_env(pipeline.environ).rules)
    pipeline.cut(topics.TRANSACTIONS, offset)
    pipeline.spawn("detector", log)
    eventually(lambda: len(outcomes(pipeline)) == 300, WITHIN, "all of them to be judged")
    judged = outcomes(pipeline)
    assert [f"{place}: {judged[place]} is not {one}" for place, one in again.items() if judged[place] != one] == []
    by_the_rest = judged_again(pipeline, lambda: DetectorSettings.from_env(pipeline.environ).rules)
    assert sum(again[place] != one for place, one in by_the_rest.items()) > 30
    (first, second) = lines(log, "remembered what came before")
    assert first["from_snapshots"] == []
    assert (second["from_snapshots"], second["records"]) == ([0], 0)


def test_a_broken_snapshot_falls_back_to_the_one_before(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """The log is read on from there; a warning says what was wrong."""
    pipeline, log = started(deploy, tmp_path), tmp_path / "detector.log"
    name = pipeline.name(topics.TRANSACTIONS)
    detector = pipeline.spawn("detector", log)
    for end in (60, 120):
        put(pipeline, end - 60, end)
        pipeline.wait_until_judged(end)
        wait_for_snapshot(pipeline, name, end)
    killed(detector)
    place, (newest, before, *_) = manifests(pipeline, name)
    chunk = max(newest.chunks, key=lambda one: one.offset)
    (key,) = chunk_keys(place, newest.shape, chunk)
    with pipeline.producer() as producer:
        producer.send(pipeline.name(topics.SNAPSHOTS), key=key, value=b"x" * chunk.size, partition=0)
    put(pipeline, 120, 180)
    again = judged_again(pipeline, lambda: DetectorSettings.from_env(pipeline.environ).rules)
    pipeline.cut(topics.TRANSACTIONS, before.offset)
    pipeline.spawn("detector", log)
    eventually(lambda: len(outcomes(pipeline)) == 180, WITHIN, "all of them to be judged")
    assert outcomes(pipeline) == again
    (told,) = lines(log, "is broken")
    assert told["message"] == (
        f"the snapshot of {name}:0 at {newest.offset} is broken: "
        f"bucket {chunk.bucket} at offset {chunk.offset} is not what was written: its checksum differs"
    )
    assert lines(log, "remembered what came before")[-1]["from_snapshots"] == [0]


def test_stages_come_back_each_from_its_own(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """A detector with a hop has a memory of two logs, and snapshots of both; another version of rules has none."""
    pipeline, log = started(deploy, tmp_path, RULES + FAN_IN), tmp_path / "detector.log"
    hop = pipeline.name(topics.hop_by("target"))
    detector = pipeline.spawn("detector", log)
    put(pipeline, 0, 100)
    pipeline.wait_until_judged(100)
    for name in (pipeline.name(topics.TRANSACTIONS), hop):
        wait_for_snapshot(pipeline, name, 100)
    expected = len(list(log_of(pipeline, topics.FRAUD)))
    killed(detector)
    detector = pipeline.spawn("detector", log)
    put(pipeline, 100, 140)
    pipeline.wait_until_judged(140)
    assert len(list(log_of(pipeline, topics.FRAUD))) > expected
    assert len(lines(log, "remembered what came before")[-1]["from_snapshots"]) == 2
    (tmp_path / "rules.yaml").write_text((RULES + FAN_IN).replace("1h", "2h"))
    assert pipeline.run("detector.rules", "push", str(tmp_path / "rules.yaml"), "--author", "ann").returncode == 0
    eventually(lambda: lines(log, "are in force, put by ann"), WITHIN, "the detector to know")
    put(pipeline, 140, 150)
    pipeline.wait_until_judged(150)
    assert len(lines(log, "remembered what came before")) == 3
    assert lines(log, "remembered what came before")[-1]["from_snapshots"] == []


def test_without_an_interval_nothing_is_written(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """Nor is the topic needed."""
    pipeline = started(deploy, tmp_path, SNAPSHOTS_TOPIC="nowhere-to-be-found")
    pipeline.variables["SNAPSHOT_INTERVAL"] = "0"
    del pipeline.__dict__["environ"]
    with pipeline.running("detector"):
        put(pipeline, 0, 20)
        assert pipeline.wait_until_judged(20).clean
