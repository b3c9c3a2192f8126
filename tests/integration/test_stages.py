"""Rules by a key that the input is not partitioned by, on a real Kafka: over hops, and out again as it came."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from detector.rules.command import parse
from detector.rules.commands.running import carry_out
from detector.settings import DetectorSettings
from detector.staged import StagedDetector
from pipeline.contracts import topics
from pipeline.contracts.coordinates import Coordinates
from pipeline.operations.deadletters.skip import skip
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.watchdog import Watchdog
from tests.support.deployment import WITHIN, headers_of
from tests.support.eventually import eventually
from tests.support.judged_again import judged_again_in_stages, outcomes
from tests.support.parts import on_both_paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.contracts.records import Outgoing, Record
    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.integration, on_both_paths]

RULES = """
rules:
  - {id: fan-in, key: [target, amount], window: 1h, when: count_distinct(source) >= 4, score: 100}
  - {id: large, when: amount >= 5, currency: any, score: 10}
"""
BY_TARGET = topics.hop_by("target")


class BugError(Exception):
    """What nobody expects of a stage."""


def sent(number: int) -> bytes:
    """Return a transfer of an account of its own to one target."""
    members = {"transaction_id": str(number), "source": f"A{number}", "target": "B", "amount": 7, "currency": "EUR"}
    return json.dumps(members).encode()


def with_rules(deploy: Callable[..., Deployment], tmp_path: Path) -> Deployment:
    """Return a pipeline that finds the fourth account to pay the same amount to one target within an hour."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return deploy(RULES_FILE=str(path))


def put(pipeline: Deployment, *numbers: int) -> list[Any]:
    """Write one transfer of each account, in turn to all partitions, and return where they stand."""
    with pipeline.producer() as producer:
        return [
            producer.send(
                pipeline.name(topics.TRANSACTIONS),
                value=sent(number),
                key=f"A{number}".encode(),
                partition=number % pipeline.partitions,
                headers=[("trace", b"%d" % number)],
            ).get(timeout=30)
            for number in numbers
        ]


def test_a_fan_in_over_partitions_is_found(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """The verdict has the hits of both stages in the order of the file; all else is as it came."""
    pipeline = with_rules(deploy, tmp_path)
    with pipeline.running("detector"):
        places = put(pipeline, 0, 1, 2)
        pipeline.wait_for_records(topics.LEGIT, 3)
        places += put(pipeline, 3)
        (fraud,) = pipeline.wait_for_records(topics.FRAUD, 1)
        hops = pipeline.records(BY_TARGET)
    verdict = json.loads(fraud.value)["verdict"]
    assert [hit["rule"] for hit in verdict["hits"]] == ["fan-in", "large"]
    assert verdict["score"] == 110
    assert fraud.value.startswith(sent(3)[:-1])
    assert (fraud.key, fraud.partition) == (b"A3", places[3].partition)
    assert headers_of(fraud) == {"trace": b"3", "pipeline.origin": f"{places[3].partition}:{places[3].offset}".encode()}
    assert fraud.timestamp == places[3].timestamp
    assert len({record.partition for record in hops}) == 1
    assert {record.key for record in hops} == {b"B"}
    for record in pipeline.records(topics.LEGIT):
        number = int(headers_of(record)["trace"] or b"")
        assert (record.key, record.value) == (f"A{number}".encode(), sent(number))
        assert (record.partition, record.timestamp) == (places[number].partition, places[number].timestamp)


def test_the_last_stage_remembers_over_a_restart(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """Its log is read again, as that of the first."""
    pipeline = with_rules(deploy, tmp_path)
    with pipeline.running("detector"):
        put(pipeline, 0, 1, 2)
        pipeline.wait_for_records(topics.LEGIT, 3)
    with pipeline.running("detector"):
        put(pipeline, 3)
        (fraud,) = pipeline.wait_for_records(topics.FRAUD, 1)
    assert b'"A3"' in (fraud.value or b""), fraud.value


def test_a_kill_between_stages_loses_and_doubles_nothing(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """Whoever comes after goes on where the offsets of the input and of the hop stand."""
    pipeline = with_rules(deploy, tmp_path)
    written = 0
    for turn in range(2):
        values = [(number, sent(number)) for number in range(written, written + 2_000)]
        with pipeline.producer(linger_ms=5) as producer:
            for number, value in values:
                name = pipeline.name(topics.TRANSACTIONS)
                producer.send(name, value=value, key=f"A{number}".encode(), partition=number % pipeline.partitions)
        written += len(values)
        process = pipeline.spawn("detector", tmp_path / "log", MAX_BATCH_RECORDS="200")
        wanted = 400 + 1_500 * turn
        eventually(lambda wanted=wanted: sum(hop_offsets(pipeline).values()) > wanted, WITHIN, "the hop to be read")  # type: ignore[misc]
        process.kill()
        process.wait(10)
        report = pipeline.audit()
        assert (report.lost, report.duplicated) == (0, 0), report
    with pipeline.running("detector"):
        report = pipeline.wait_until_drained()
    assert (report.input, report.lost, report.duplicated, report.under_way) == (written, 0, 0, 0), report
    # Of the partitions of the input, one may be read before the other: what comes late sees what was before its time.
    again = judged_again_in_stages(pipeline, BY_TARGET, lambda _: DetectorSettings.from_env(pipeline.environ).rules)
    assert outcomes(pipeline) == again
    assert report.outcomes["fraud"] > written // 2


def hop_offsets(pipeline: Deployment) -> dict[int, int]:
    """Return what the detector has committed of the hop."""
    with suppress(KafkaError), Cluster(pipeline.settings.kafka, "test") as cluster:
        group = pipeline.settings.kafka.group_of("detector")
        return cluster.committed(group, pipeline.name(BY_TARGET), pipeline.partitions)
    return {}


def test_hops_are_made_like_the_input_and_keep_what_rules_look_at(
    deploy: Callable[..., Deployment], tmp_path: Path
) -> None:
    """By the detector that starts, since it knows the rules; where they are there already, they are corrected."""
    pipeline = with_rules(deploy, tmp_path)
    with pipeline.running("detector"):
        put(pipeline, 0)
        pipeline.wait_for_records(topics.LEGIT, 1)
    name = pipeline.name(BY_TARGET)
    pipeline.set_config(BY_TARGET, {"retention.ms": "1000"})
    with pipeline.running("detector"):
        put(pipeline, 1)
        pipeline.wait_for_records(topics.LEGIT, 2)
    with Cluster(pipeline.settings.kafka, "test") as cluster:
        facts = cluster.describe([name, pipeline.name(topics.TRANSACTIONS)])
        kept = cluster.config([name], "retention.ms")[name]
    assert facts[name].partitions == pipeline.partitions
    assert int(kept) == BY_TARGET.retention_ms
    assert facts[name].max_message_bytes > facts[pipeline.name(topics.TRANSACTIONS)].max_message_bytes


def test_a_push_lets_topics_keep_what_its_rules_look_back_to(
    deploy: Callable[..., Deployment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The input and the hop, before it is in force; and a push of rules that look back less changes nothing."""
    pipeline = with_rules(deploy, tmp_path)
    with pipeline.running("detector"):
        put(pipeline, 0)
        pipeline.wait_for_records(topics.LEGIT, 1)
        for window in ("40d", "1h"):
            path = tmp_path / f"{window}.yaml"
            path.write_text(RULES.replace("window: 1h", f"window: {window}"))
            assert carry_out(parse(["push", str(path)]), {**pipeline.environ, "USER": "ann"}, Stop()) == 0
            put(pipeline, 1)
    names = [pipeline.name(topics.TRANSACTIONS), pipeline.name(BY_TARGET)]
    with Cluster(pipeline.settings.kafka, "test") as cluster:
        kept = cluster.config(names, "retention.ms")
    days = (40 + 1 / 24) * 86_400_000  # with the lateness of an hour
    assert all(int(kept[name]) >= days for name in names)
    told = capsys.readouterr().err
    assert all(f"{name} kept records for 7 days, less than rules look back" in told for name in names)


def test_a_record_without_the_accounts_key_says_so(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """Over all stages, to the end."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES + "  - {id: often, key: source, window: 1h, when: count() > 1, mode: shadow}\n")
    pipeline = deploy(RULES_FILE=str(path))
    with pipeline.running("detector"):
        pipeline.put(sent(0), key=b"no account")
        pipeline.put(sent(1), key=b"A1")
        found = pipeline.wait_for_records(topics.LEGIT, 2)
    noted = {record.key: (headers_of(record).get("pipeline.hits") or b"").split(b" ")[1:2] for record in found}
    assert noted == {b"no account": [b"unkeyed"], b"A1": [b"large=10:counted"]}


def judged_at_the_first_stage(pipeline: Deployment, number: int) -> None:
    """Let a detector judge a transfer at the first stage."""
    with pipeline.running("detector"):
        put(pipeline, number)
        eventually(lambda: sum(pipeline.committed("detector").values()) == 1, WITHIN, "the first stage to have judged")


def test_a_record_of_a_hop_is_set_aside(
    deploy: Callable[..., Deployment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that ends the last stage each time; its letter is of the input, as it entered, and the audit knows it."""
    pipeline = with_rules(deploy, tmp_path)
    judge = StagedDetector.handle

    def broken(self: StagedDetector, record: Record) -> tuple[Outgoing, ...]:
        if record.topic == pipeline.name(BY_TARGET):
            raise BugError
        return judge(self, record)

    monkeypatch.setattr(StagedDetector, "handle", broken)
    with pytest.raises(BugError):
        judged_at_the_first_stage(pipeline, 1)
    (place,), (passed_on,) = pipeline.records(topics.TRANSACTIONS), pipeline.records(BY_TARGET)
    monkeypatch.undo()
    skip(pipeline.settings, BY_TARGET, Coordinates(passed_on.partition, passed_on.offset), Stop().wait, Watchdog())
    with pipeline.running("detector"):
        put(pipeline, 2)
        report = pipeline.wait_until_judged(2)
    assert report.clean
    (letter,) = pipeline.records(topics.dead_letters_of(topics.TRANSACTIONS))
    told = headers_of(letter)
    assert (letter.key, letter.value, letter.partition) == (b"A1", sent(1), place.partition)
    assert (told["trace"], told["pipeline.reason"]) == (b"1", b"skipped")
    assert told["pipeline.source"] == f"{place.partition}:{place.offset}".encode()
