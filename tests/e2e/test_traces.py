"""One trace from the generator to the alert, by real services, a real Kafka and a collector on loopback."""

from __future__ import annotations

import base64
import json
import signal
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.contracts import topics
from pipeline.contracts.headers import TRACE
from tests.support.collector import collector
from tests.support.deployment import WITHIN, headers_of
from tests.support.eventually import eventually
from tests.support.receivers import receiving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.collector import Collector, Told
    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SERVICES = ("detector", "legit_processor", "fraud_processor")
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
PRODUCER, CONSUMER, CLIENT = 4, 5, 3


@contextmanager
def running(pipeline: Deployment, folder: Path, **variables: str) -> Iterator[None]:
    """Have the services run as processes, and end them in order: what is left is told then."""
    processes = [pipeline.spawn(name, folder / name, **variables) for name in SERVICES]
    yield
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        assert process.wait(30) == 0


def asked_for(collected: Collector, **more: str) -> dict[str, str]:
    """Return the variables by which traces are made."""
    return {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": collected.address, **more}


def traces(spans: list[Told]) -> dict[str, dict[str, Told]]:
    """Return spans by their trace, and there by the word that each begins with."""
    found: dict[str, dict[str, Told]] = {}
    for span in spans:
        found.setdefault(span.trace, {})[span.name.partition(" ")[0]] = span
    return found


def wait_until_settled(pipeline: Deployment, count: int) -> int:
    """Wait until so many transactions have come to their end, at both processors; return how many were frauds."""
    legit, fraud = (partial(pipeline.records, topic) for topic in (topics.LEGIT, topics.FRAUD))
    eventually(lambda: len(legit() + fraud()) == count, WITHIN, f"{count} transactions to be judged")
    # Who ends a processor before would miss its spans, and one that only starts does not listen to the signal.
    pipeline.wait_until_settled("legit_processor", len(legit()))
    pipeline.wait_until_settled("fraud_processor", len(fraud()))
    return len(fraud())


def generate(pipeline: Deployment, folder: Path, count: int, **variables: str) -> None:
    """Let a generator send so many transactions."""
    some = {"TRANSACTIONS_COUNT": str(count), "TRANSACTIONS_PER_SECOND": "100", "GENERATOR_SEED": "7"}
    assert pipeline.spawn("generator", folder / "generator", **some, **variables).wait(120) == 0


def test_a_trace_leads_from_the_generator_to_the_alert(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """Each span behind the one before it; of a legitimate payment to its settlement."""
    pipeline = deploy(partitions=2)
    with collector() as collected, receiving() as receiver:
        variables = asked_for(collected, OTEL_TRACES_SAMPLER="always_on")
        alerts = {"ALERT_URLS": f"signed+http://{receiver.address}/hook", "ALERT_WEBHOOK_SECRET": SECRET}
        with running(pipeline, tmp_path, **variables, **alerts):
            generate(pipeline, tmp_path, 30, **variables)
            frauds = wait_until_settled(pipeline, 30)
            eventually(lambda: len(receiver.requests) == frauds, WITHIN, f"{frauds} alerts")
        found = traces(collected.spans)
    assert len(found) == 30
    told = [spans for spans in found.values() if "notify" in spans]
    assert len(told) == frauds
    for spans in told:
        steps = [spans[name] for name in ("publish", "detect", "gather", "notify")]
        assert [step.service for step in steps] == ["generator", "detector", "fraud_processor", "fraud_processor"]
        assert [step.kind for step in steps] == [PRODUCER, CONSUMER, CONSUMER, CLIENT]
        assert [step.parent for step in steps] == ["", *(step.span for step in steps[:-1])]
        assert steps[1].attributes["fraud.branch"] == "fraud"
        assert steps[1].attributes["fraud.rules"] == "large-amount"
        assert steps[2].attributes["messaging.destination.name"] == pipeline.name(topics.FRAUD)
    for spans in found.values():
        if "notify" not in spans:
            assert [spans[name].parent for name in ("detect", "settle")] == [
                spans["publish"].span,
                spans["detect"].span,
            ]
    assert not any(span.failed for span in collected.spans)
    assert all(len([h for h, _ in one.headers if h == TRACE.name]) == 1 for one in pipeline.records(topics.LEGIT))


def test_nothing_is_traced_that_is_not_sampled_and_nobody_waits_for_a_collector(
    deploy: Callable[..., Deployment], tmp_path: Path
) -> None:
    """A collector that is away holds nothing up; contexts of strangers are taken up where they are sound."""
    pipeline = deploy(partitions=1)
    with collector() as collected:
        collected.status = 503
        none = asked_for(collected, OTEL_TRACES_SAMPLER_ARG="0")
        with running(pipeline, tmp_path, **none):
            generate(pipeline, tmp_path, 20, **none)
            assert len(pipeline.wait_for_records(topics.TRANSACTIONS, 20)) == 20
            assert all(TRACE.name not in headers_of(one) for one in pipeline.records(topics.TRANSACTIONS))
            foreign = f"00-{7:032x}-{9:016x}-01"
            with pipeline.producer() as producer:
                for number, value in enumerate((foreign.encode(), b"\xff\x00nonsense", b"")):
                    _send(producer, pipeline, number, value)
            wait_until_settled(pipeline, 23)
            eventually(lambda: collected.asked > 0, WITHIN, "the collector to be asked")
            collected.status = 200
    assert {span.trace for span in collected.spans} <= {f"{7:032x}"}
    log = "".join((tmp_path / name).read_text() for name in SERVICES)
    assert '"level":"ERROR"' not in log.replace('"logger":"opentelemetry', "")


def _send(producer: Any, pipeline: Deployment, number: int, value: bytes) -> None:
    members = {"transaction_id": f"f{number}", "source": "A", "target": "B", "amount": 1, "currency": "EUR"}
    topic, body = pipeline.name(topics.TRANSACTIONS), json.dumps(members).encode()
    producer.send(topic, value=body, key=b"A", headers=[(TRACE.name, value)]).get(timeout=30)
