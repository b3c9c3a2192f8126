"""Figures and health of the services as processes, while transactions flow through a real Kafka."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.contracts import topics
from pipeline.runtime.vitals import metrics
from tests.support.compose import free_ports
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

# There are none before there was a letter, or a snapshot; rules without memory have neither snapshots nor restores.
NOT_YET = {"fraud_dead_letters_total", "fraud_snapshot_last_seconds", "fraud_snapshot_last_bytes"} | {
    "fraud_restore_last_seconds"
}
SENT = 600
RATE = 300


class Told(NamedTuple):
    """Where a service tells its figures and its health."""

    address: str

    def figures(self) -> dict[tuple[str, tuple[str, ...]], float]:
        """Return all figures by name and labels; none where nobody listens."""
        try:
            answer = httpx.get(f"{self.address}/metrics", trust_env=False, timeout=30)
        except httpx.TransportError:
            return {}
        assert answer.status_code == 200
        return {
            (sample.name, tuple(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    def get(self, name: str, *labels: str) -> float:
        """Return one figure, or 0 where there is none."""
        return self.figures().get((name, labels), 0.0)

    def lag(self) -> float | None:
        """Return how many records wait in all partitions that it reads."""
        lags = [value for (name, _), value in self.figures().items() if name == metrics.LAG.name]
        return sum(lags) if lags else None

    def status(self, path: str) -> tuple[int, Any]:
        """Return how a question of health is answered; 0 where nobody listens."""
        try:
            answer = httpx.get(f"{self.address}{path}", trust_env=False, timeout=30)
        except httpx.TransportError:
            return 0, None
        return answer.status_code, answer.json()

    def ready(self) -> bool:
        """Tell whether it is ready."""
        return self.status("/readyz")[0] == 200


def _idle(told: Told) -> bool:
    return told.lag() == 0


def test_every_service_tells_its_figures_and_when_it_is_ready(
    deploy: Callable[..., Deployment], tmp_path: Path
) -> None:
    """All that is sent is counted once at each step, nothing is left over, and every metric that is due is there."""
    pipeline = deploy(DASHBOARD_PORT=free_ports(1)[0])
    told: dict[str, Told] = {}
    processes = {}
    for name, port in zip(metrics.SERVICES, free_ports(len(metrics.SERVICES)), strict=True):
        told[name] = Told(f"http://127.0.0.1:{port}")
        if name == metrics.GENERATOR:
            continue
        processes[name] = pipeline.spawn(name, tmp_path / name, METRICS_PORT=port)
    for name in processes:
        eventually(told[name].ready, WITHIN, f"{name} to be ready: {told[name].status('/readyz')}")

    port = told[metrics.GENERATOR].address.rpartition(":")[2]
    some = {"TRANSACTIONS_PER_SECOND": str(RATE), "GENERATOR_SEED": "7", "METRICS_PORT": port}
    generator = pipeline.spawn(metrics.GENERATOR, tmp_path / "generator", **some)
    eventually(lambda: told[metrics.GENERATOR].get("fraud_generated_total") > SENT, WITHIN, f"{SENT} transactions")
    assert told[metrics.GENERATOR].ready()
    generator.send_signal(signal.SIGTERM)
    assert generator.wait(30) == 0

    sent = float(len(pipeline.records(topics.TRANSACTIONS)))
    names = {topic: pipeline.name(topic) for topic in (topics.TRANSACTIONS, topics.LEGIT, topics.FRAUD)}
    detector, legit, fraud = (told[name] for name in metrics.LOOPS)

    def settled() -> bool:
        both = legit.get("fraud_records_total", names[topics.LEGIT]) + fraud.get(
            "fraud_records_total", names[topics.FRAUD]
        )
        return both == sent

    eventually(settled, WITHIN, f"{sent:g} transactions to be settled")
    # Processors may be done with what the detector has committed before it has counted that.
    judged = partial(detector.get, "fraud_records_total", names[topics.TRANSACTIONS])
    eventually(lambda: judged() == sent, WITHIN, f"{sent:g} transactions to be counted by the detector")
    assert detector.get("fraud_judged_total") == sent
    alerts = fraud.get("fraud_records_total", names[topics.FRAUD])
    assert alerts > 0
    assert detector.get("fraud_rule_hits_total", "large-amount", "counted") == alerts
    assert fraud.get("fraud_alerts_total") == alerts
    assert legit.get("fraud_bookings_total", "booked") == sent - alerts
    for name in metrics.LOOPS:
        found = told[name].figures()
        assert found["fraud_record_age_seconds_count", ()] > 0
        assert found["fraud_record_age_seconds_bucket", ("300.0",)] == found["fraud_record_age_seconds_count", ()]
        eventually(partial(_idle, told[name]), WITHIN, f"nothing to wait for {name}")
    shown_frauds = partial(told[metrics.DASHBOARD].get, "fraud_dashboard_rows_total", "fraud")
    eventually(lambda: shown_frauds() == alerts, WITHIN, "the page")
    for name in processes:
        shown = {one for one, _ in told[name].figures()}
        due = {metric.name for metric in metrics.ALL if name in metric.of and not metric.buckets}
        assert due - shown <= NOT_YET, name


def test_a_loop_that_hangs_is_told_by_its_health(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """A process that is stopped answers nothing; one that waits for topics is alive, and not ready."""
    pipeline = deploy()
    (port,) = free_ports(1)
    told = Told(f"http://127.0.0.1:{port}")
    waiting = {"TRANSACTIONS_TOPIC": "nobody-made-it", "METRICS_PORT": port}
    process = pipeline.spawn("detector", tmp_path / "log", **waiting)
    eventually(lambda: told.status("/healthz")[0] == 200, WITHIN, "the address")
    assert told.status("/readyz") == (503, {"ready": False, "service": "detector", "why": "starting"})
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert told.status("/healthz")[0] == 0
