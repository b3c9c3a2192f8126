"""What a process tells of itself: figures by the registry, and by HTTP whether it lives and is ready."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from pipeline.errors import SettingsError
from pipeline.runtime.clients.deadlines import POLL_SECONDS
from pipeline.runtime.health import MAX_AGE_SECONDS
from pipeline.runtime.http import CannotListenError
from pipeline.runtime.settings import common_from_env
from pipeline.runtime.vitals import Distribution, Figure, Vitals, metrics
from pipeline.runtime.vitals.endpoint import listening
from pipeline.runtime.vitals.telling import told
from pipeline.runtime.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterator

NASTY = 'a"b\\c\nd\u202e\ud800'


class Clock:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Provide the clock of a heart."""
    return Clock()


@pytest.fixture
def vitals(clock: Clock) -> Vitals:
    """Provide the vital signs of a service that has just begun."""
    return Vitals("detector", now=clock)


@pytest.fixture
def client(vitals: Vitals) -> Iterator[httpx.Client]:
    """Provide a caller of the address where they are told."""
    with (
        listening(vitals, "127.0.0.1", 0) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=30) as made,
    ):
        yield made


def test_a_start_is_alive_and_not_ready(client: httpx.Client) -> None:
    """What waits for the cluster is not to be restarted, and is to get nothing to do."""
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["why"]) == (503, "starting")


def test_a_loop_that_stands_still_is_neither(client: httpx.Client, vitals: Vitals, clock: Clock) -> None:
    """It says for how long; and that it lives again, should it turn after all."""
    vitals.beat()
    vitals.why_not = ""
    assert client.get("/readyz").json() == {"ready": True, "service": "detector"}
    clock.now += MAX_AGE_SECONDS + 1
    assert client.get("/healthz").status_code == 503
    assert client.get("/healthz").json()["silent_seconds"] == MAX_AGE_SECONDS + 1
    assert client.get("/readyz").json()["why"] == "the loop has not turned for 31 s"
    assert "fraud_ready 0.0" in client.get("/metrics").text
    vitals.beat()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_a_step_that_may_take_long_is_no_death(client: httpx.Client, vitals: Vitals, clock: Clock) -> None:
    """As long as it is within its deadline: whoever restarts such a process only lets it begin anew."""
    vitals.why_not = ""
    vitals.beat()
    with Watchdog(began=vitals.beat).step("polling", POLL_SECONDS):
        clock.now += POLL_SECONDS
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").json()["why"] == "the loop has not turned for 120 s"
        clock.now += 1
        assert client.get("/healthz").status_code == 503
    vitals.beat()
    clock.now += MAX_AGE_SECONDS + 1
    assert client.get("/healthz").status_code == 503


def test_figures_are_told_in_both_dialects(client: httpx.Client, vitals: Vitals) -> None:
    """Prometheus asks for the one or the other; names, kinds and help are those of the registry."""
    seconds = Distribution(metrics.BATCH_SECONDS.buckets)
    for value in (0.001, 0.03, 7.0):
        seconds.add(value)
    vitals.beat()
    vitals.add(lambda: [Figure(metrics.RECORDS, 7, ("in",)), Figure(metrics.BATCH_SECONDS, seconds)])
    for accept, parse in (
        ("text/plain", text_string_to_metric_families),
        ("application/openmetrics-text; version=1.0.0", open_metrics),
    ):
        answer = client.get("/metrics", headers={"accept": accept})
        assert answer.headers["content-type"].startswith(accept.partition(";")[0])
        found = {family.name: family for family in parse(answer.text)}
        assert found["fraud_records"].type == "counter"
        assert found["fraud_records"].documentation == metrics.RECORDS.told
        assert [(one.labels, one.value) for one in found["fraud_records"].samples] == [({"topic": "in"}, 7.0)]
        buckets = {one.labels["le"]: one.value for one in found["fraud_batch_seconds"].samples if "le" in one.labels}
        assert (buckets["0.001"], buckets["0.025"], buckets["0.05"], buckets["+Inf"]) == (1, 1, 2, 3)
        assert "process_resident_memory_bytes" in found


def test_a_label_may_be_any_text(client: httpx.Client, vitals: Vitals) -> None:
    """The id of a rule is what somebody wrote: it breaks no line and no encoding."""
    vitals.add(lambda: [Figure(metrics.RULE_HITS, 1, (NASTY, "counted"))])
    (family,) = [one for one in text_string_to_metric_families(client.get("/metrics").text) if "rule_hits" in one.name]
    assert family.samples[0].value == 1
    assert family.samples[0].labels["rule"].startswith('a"b\\c\nd\u202e')


def test_nothing_else_is_told(client: httpx.Client) -> None:
    """There is nothing to change, and nothing else to ask for."""
    assert client.post("/metrics").status_code == 405
    assert client.get("/").status_code == 404


def test_nobody_listens_unless_a_port_is_set(vitals: Vitals) -> None:
    """By default there is no port, and one that is set is of this machine alone."""
    process = common_from_env({}).process
    assert (process.metrics_host, process.metrics_port) == ("127.0.0.1", 0)
    with told(vitals, process):
        assert vitals.why_not == "starting"
    with pytest.raises(SettingsError, match="METRICS_PORT must be"):
        common_from_env({"METRICS_PORT": "70000"})


def test_a_port_that_is_taken_is_told_with_its_variable(vitals: Vitals) -> None:
    """The service ends with a sentence, instead of running unseen."""
    with listening(vitals, "127.0.0.1", 0) as address:
        process = common_from_env({"METRICS_PORT": address.rpartition(":")[2]}).process
        with pytest.raises(CannotListenError, match=r"METRICS_HOST, METRICS_PORT"), told(vitals, process):
            pass


@given(
    bounds=st.lists(st.integers(1, 50), min_size=1, unique=True).map(sorted),
    values=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 5))),
)
def test_a_distribution_counts_as_a_list_would(bounds: list[int], values: list[tuple[int, int]]) -> None:
    """Each bucket has what is at most its bound, however often it was added."""
    found = Distribution(tuple(map(float, bounds)))
    for value, times in values:
        found.add(value, times)
    every = [value for value, times in values for _ in range(times)]
    expected = [float(sum(value <= bound for value in every)) for bound in [*bounds, float("inf")]]
    assert [count for _, count in found.cumulative()] == expected
    assert found.total == sum(every)


def test_names_are_what_prometheus_expects() -> None:
    """One prefix; counters end in total; units are base units; each name stands once."""
    names = [metric.name for metric in metrics.ALL]
    assert len(set(names)) == len(names)
    for metric in metrics.ALL:
        assert re.fullmatch(r"fraud_[a-z_]+", metric.name)
        assert (metric.kind == metrics.COUNTER) == metric.name.endswith("_total")
        assert (metric.kind == metrics.HISTOGRAM) == bool(metric.buckets)
        assert metric.told.endswith(".")
        assert list(metric.buckets) == sorted(metric.buckets)
    declared = [value for value in vars(metrics).values() if isinstance(value, metrics.Metric)]
    assert declared == list(metrics.ALL)
