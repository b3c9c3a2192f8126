"""Frauds in cases, on a real Kafka: each once, whoever is killed; told, resolved and labelled."""

from __future__ import annotations

import base64
import json
import os
import time
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, inspect, select

from fraud_processor.settings import FraudSettings
from pipeline.contracts import topics
from pipeline.contracts.cases import ALERTS, CASES, HITS, OUTBOX
from pipeline.runtime.database.engine import begun, open_engine
from pipeline.runtime.transactional.effects import EffectsError
from tests.support.deployment import WITHIN, headers_of
from tests.support.eventually import eventually
from tests.support.receivers import receiving

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.operations.audit.report import Report
    from tests.support.deployment import Deployment
    from tests.support.receivers import Receiver

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("CASE_KILLS", "3"))
FRAUDS = 800 * KILLS
REPLICAS = 2
AWAY_SECONDS = float(os.environ.get("ALERTS_AWAY_SECONDS", "2"))
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()


def fraud(number: int, amount: float = 950.5) -> bytes:
    """Return a transfer of one of a hundred accounts that the shipped rules take for fraud."""
    told = {"transaction_id": f"t{number}", "source": f"A{number % 100}", "target": "B", "amount": amount}
    return json.dumps(told | {"currency": "EUR"}).encode()


def rows(pipeline: Deployment, table: Any, *where: Any) -> list[Any]:
    """Return the rows of a table of the cases, all where nothing is asked for."""
    engine = open_engine(FraudSettings.from_env(pipeline.environ).database)
    try:
        with begun(engine, reading=True) as connection:
            return list(connection.execute(select(table).where(*where)).all())
    finally:
        engine.dispose()


def wait_until_gathered(pipeline: Deployment, count: int) -> None:
    """Wait until so many alerts are in cases."""
    engine = open_engine(FraudSettings.from_env(pipeline.environ).database)

    def gathered() -> bool:
        with suppress(EffectsError), begun(engine, reading=True) as connection:
            if inspect(connection).has_table(ALERTS.name):  # the service may have just begun
                return bool(connection.execute(select(func.count()).select_from(ALERTS)).scalar_one() >= count)
        return False

    try:
        eventually(gathered, WITHIN, f"{count} alerts to be in cases")
    finally:
        engine.dispose()


def cases(pipeline: Deployment, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does."""
    return pipeline.run("fraud_processor", "cases", *arguments)


def test_kills_lose_no_alert_and_make_none_twice(
    deploy: Callable[..., Deployment], tmp_path: Path, empty_database: str
) -> None:
    """Two replicas on one database, killed again and again while they gather."""
    pipeline = deploy(partitions=3, MAX_BATCH_RECORDS="50", CASES_DATABASE_URL=empty_database)
    log, chance = tmp_path / "processor.log", Random(3)  # noqa: S311 (no secret)
    with pipeline.running("detector"):
        pipeline.put_many([fraud(number) for number in range(FRAUDS)])
        processors = [pipeline.spawn("fraud_processor", log) for _ in range(REPLICAS)]
        for number in range(1, KILLS + 1):
            handled = number * FRAUDS // (KILLS + 2)
            eventually(
                lambda least=handled: sum(pipeline.committed("fraud_processor").values()) >= least,  # type: ignore[misc]
                WITHIN,
                f"{handled} to be gathered",
            )
            killed = processors.pop(chance.randrange(REPLICAS))
            killed.kill()
            killed.wait(10)
            processors.append(pipeline.spawn("fraud_processor", log))
        wait_until_gathered(pipeline, FRAUDS)
        pipeline.wait_until_settled("fraud_processor", FRAUDS)
    report = pipeline.audit()
    assert report.clean, report
    assert report.effects["fraud_processor"].method == "cases"
    assert report.effects["fraud_processor"].done == FRAUDS
    found = rows(pipeline, CASES)
    assert sorted(case.subject for case in found) == sorted({f'{{"source":"A{number}"}}' for number in range(100)})
    assert {case.alerts for case in found} == {FRAUDS // 100}
    assert len(rows(pipeline, HITS)) == FRAUDS


def test_a_case_is_told_shown_resolved_and_labelled(deploy: Callable[..., Deployment]) -> None:
    """From a transaction to a label, by the commands; what is resolved gathers no more."""
    with receiving() as receiver:
        pipeline = deploy(partitions=1, ALERT_URLS=f"json://{receiver.address}/", ALERT_INTERVAL="1s")
        pipeline.environ["CASE_WINDOW"] = "1h"
        with pipeline.running("detector", "fraud_processor"):
            pipeline.put(fraud(1), fraud(1, 1200))
            wait_until_gathered(pipeline, 2)
            eventually(lambda: receiver.requests, WITHIN, "a message")
            told = json.loads(receiver.requests[0].body)
            assert told["title"].startswith("[HIGH] case 1: source A1, ")
            assert cases(pipeline, "acknowledge", "1", "--by", "ann", "--note", "calls the customer").returncode == 0
            assert cases(pipeline, "resolve", "1", "--as", "fraud", "--by", "ann").stdout == "case 1: resolve by ann\n"
            (label,) = pipeline.wait_for_records(topics.LABELS, 1)
            pipeline.put(fraud(1, 3000))
            wait_until_gathered(pipeline, 3)
        assert (label.key, json.loads(label.value)["label_id"]) == (b"t1", "analyst:case-1:t1")
        shown = cases(pipeline, "show", "1")
        assert (shown.returncode, shown.stderr) == (0, "")
        assert "confirmed" in shown.stdout
        assert "acknowledged by ann  calls the customer" in shown.stdout
        assert "1200.00 EUR  A1 -> B  t1" in shown.stdout
        (line,) = cases(pipeline, "list", "--json").stdout.splitlines()
        assert (json.loads(line)["id"], json.loads(line)["alerts"]) == (2, 1)
        again = cases(pipeline, "resolve", "1", "--as", "false-alarm")
        assert (again.returncode, again.stderr) == (1, "fraud_processor: case 1: it was resolved as confirmed before\n")
        assert cases(pipeline, "show", "99").returncode == 1
        assert pipeline.audit().clean


def test_whoever_was_away_is_told_of_every_case(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """It answers 500 for as long as is asked for; the processor is killed meanwhile, and again while it catches up."""
    with receiving() as receiver:
        receiver.status = 500
        variables = {"ALERT_URLS": f"signed+http://{receiver.address}/hook", "ALERT_WEBHOOK_SECRET": SECRET}
        pipeline = deploy(partitions=1, **variables)
        log = tmp_path / "processor.log"
        with pipeline.running("detector"):
            pipeline.put_many([fraud(number) for number in range(100)])
            processor = pipeline.spawn("fraud_processor", log)
            wait_until_gathered(pipeline, 100)
            refused = eventually(lambda: len(receiver.requests) >= 2 and list(receiver.requests), WITHIN, "tries") or []
            processor.kill()
            processor.wait(10)
            processor = pipeline.spawn("fraud_processor", log)
            tried, back_at = len(receiver.requests), time.monotonic() + AWAY_SECONDS
            eventually(
                lambda: len(receiver.requests) > tried and time.monotonic() >= back_at,
                AWAY_SECONDS + WITHIN,
                "the one that came back to try, for as long as is asked for",
            )
            receiver.status = 200
            eventually(lambda: len(keys_of(receiver)) >= 30, WITHIN, "some to arrive")
            processor.kill()
            processor.wait(10)
            processor = pipeline.spawn("fraud_processor", log)
            waiting = [OUTBOX.c.sent_at.is_(None)]
            eventually(
                lambda: len(keys_of(receiver)) == 100 and not rows(pipeline, OUTBOX, *waiting), WITHIN, "all of it"
            )
        assert keys_of(receiver) == {f"case-{number}-1" for number in range(1, 101)}
        assert {request.headers["webhook-id"] for request in refused} <= keys_of(receiver)
        bodies = {(request.headers["webhook-id"], request.body) for request in receiver.requests}
        assert len(bodies) == 100, "a message that is sent again is the same"


def keys_of(receiver: Receiver) -> set[str | None]:
    """Return the ids of the messages that came, taken or not."""
    return {request.headers["webhook-id"] for request in receiver.requests}


def test_a_false_alarm_is_released_and_settled_once(deploy: Callable[..., Deployment]) -> None:
    """Its payments are booked as they entered, and the audit knows why they have two branches; twice is once."""
    pipeline = deploy(partitions=2)
    spelled = b' { "source":"A1", "target":"B2", "amount":950.50, "currency":"EUR", "note":"\\",\\"verdict\\":1}" } '
    with pipeline.running("detector", "fraud_processor", "legit_processor"):
        pipeline.put(spelled, fraud(2), fraud(1, 10), key=b"k")
        wait_until_gathered(pipeline, 2)
        done = cases(pipeline, "resolve", "1", "--as", "false-alarm", "--release", "--by", "ann")
        assert (done.returncode, done.stderr) == (0, "")
        pipeline.wait_until_booked(2)
        refused = cases(pipeline, "resolve", "2", "--as", "fraud", "--release")
        assert (refused.returncode, refused.stderr) == (
            1,
            "fraud_processor: case 2: only what was a false alarm is released\n",
        )
        (released,) = [one for one in pipeline.records(topics.LEGIT) if "pipeline.released" in headers_of(one)]
        assert (released.key, released.partition) == (b"k", 0)
        assert released.value in {spelled.rstrip()[:-1].rstrip() + b"}", fraud(2)}
        with pipeline.producer() as producer:  # as where it was killed between writing and noting it
            told = list(released.headers)
            producer.send(pipeline.name(topics.LEGIT), released.value, headers=told, partition=0).get(30)
        pipeline.wait_until_booked(3)
        report = eventually(
            lambda: found if not pending(found := pipeline.audit()) else None, WITHIN, "all to be settled"
        )
    assert report is not None
    assert (report.clean, report.outcomes) == (True, {"legit": 1, "fraud": 2, "dead-letter": 0}), report
    assert report.effects["legit_processor"].done == 3
    (case,) = [one for one in rows(pipeline, CASES) if one.id == 2]
    assert case.state == "open"


def test_what_no_fraud_was_released_of_is_found(deploy: Callable[..., Deployment]) -> None:
    """A record that says that it was released, of a transaction that was legitimate: a duplicate could pass for one."""
    pipeline = deploy(partitions=1)
    pipeline.put(fraud(1, 10))
    with pipeline.running("detector"):
        pipeline.wait_until_judged(1)
    with pipeline.producer() as producer:
        told = [("pipeline.origin", b"0:0"), ("pipeline.released", b"0:0")]
        producer.send(pipeline.name(topics.LEGIT), fraud(1, 10), headers=told, partition=0).get(30)
    report = pipeline.audit()
    assert (report.unknown, report.duplicated, report.examples["unknown"]) == (1, 0, ["0:0"])


def pending(report: Report) -> int:
    """Return how many records of the branches the processors have not got to."""
    return sum(found.pending for found in report.effects.values())


def test_what_the_cases_lack_is_found(deploy: Callable[..., Deployment]) -> None:
    """An alert that somebody has removed."""
    pipeline = deploy(partitions=1)
    with pipeline.running("detector", "fraud_processor"):
        pipeline.put(fraud(1), fraud(2))
        wait_until_gathered(pipeline, 2)
        pipeline.wait_until_settled("fraud_processor", 2)
    engine = open_engine(FraudSettings.from_env(pipeline.environ).database)
    with begun(engine) as connection:
        connection.execute(ALERTS.delete().where(ALERTS.c.transaction_id == "t2"))
    engine.dispose()
    report = pipeline.audit()
    assert (report.effect_missing, report.examples["effect-missing"]) == (1, ["fraud:0:1"])
