"""Alerts, Grafana's page and Prometheus' settings speak of metrics, labels and services that there are."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pipeline.runtime.vitals import metrics
from tests.support.compose import ROOT
from tests.support.promtool import FOLDER, promtool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALERTS = FOLDER / "alerts.yml"
PAGE = FOLDER / "grafana" / "dashboards" / "fraud-pipeline.json"
# What Prometheus and its client library have by themselves.
OTHERS = {"up", "ALERTS", "process_cpu_seconds_total", "process_resident_memory_bytes"}
ADDED = {"job", "instance", "le", "alertstate"}


def alerts() -> dict[str, Any]:
    """Return the alerts by name."""
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def panels() -> list[dict[str, Any]]:
    """Return what is on Grafana's page."""
    found: list[dict[str, Any]] = json.loads(PAGE.read_text())["panels"]
    return found


def queries() -> Iterator[str]:
    """Return every query of the alerts and of the page."""
    yield from (rule["expr"] for rule in alerts().values())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def known() -> dict[str, metrics.Metric]:
    """Return what can be asked for by name: of a histogram its parts."""
    found = {metric.name: metric for metric in metrics.ALL}
    for metric in metrics.ALL:
        if metric.kind == metrics.HISTOGRAM:
            found |= {f"{metric.name}_{part}": metric for part in ("bucket", "count", "sum")}
    return found


@pytest.mark.parametrize("query", sorted(set(queries())))
def test_queries_ask_for_what_there_is(query: str) -> None:
    """Every name is of the registry or of Prometheus itself; labels in braces and behind ``by`` are of those."""
    bare = re.sub(r'"[^"]*"', '""', query)
    names = set(re.findall(r"\b(fraud_[a-z_]+|process_[a-z_]+|up|ALERTS)\b", bare))
    assert names
    assert names <= known().keys() | OTHERS
    labels = {label for name in names - OTHERS for label in known()[name].labels} | ADDED
    asked = {name for inside in re.findall(r"\{([^}]*)\}", bare) for name in re.findall(r"(\w+)\s*[=!]", inside)}
    asked |= {name.strip() for inside in re.findall(r"\bby \(([^)]*)\)", bare) for name in inside.split(",")}
    assert asked <= labels


def test_every_metric_is_of_use() -> None:
    """What neither an alert nor the page asks for is told all the same: these, and no others."""
    text = " ".join(queries())
    unused = {metric.name for metric in metrics.ALL if metric.name not in text}
    assert unused == {
        "fraud_service_info",
        "fraud_generated_failed_total",
        "fraud_generator_in_flight",
        "fraud_dashboard_pages",
        "fraud_dashboard_rows_total",
        "fraud_dashboard_missed_total",
    }


def test_the_page_has_no_two_panels_in_one_place() -> None:
    """Ids differ, and nothing lies over anything else; all queries go to the source that is set up."""
    found = panels()
    assert len({panel["id"] for panel in found}) == len(found)
    places = [panel["gridPos"] for panel in found]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    source = yaml.safe_load((FOLDER / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
    assert {target["datasource"]["uid"] for panel in found for target in panel["targets"]} == {source["uid"]}
    for panel in found:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_prometheus_asks_every_service_where_compose_lets_it_listen() -> None:
    """A job for each service, by the name that it has in the network, at the port of compose."""
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    port = int(re.sub(r"\D", "", compose["x-environment"]["METRICS_PORT"].partition(":-")[2]))
    asked = {job["job_name"]: job["dns_sd_configs"][0] for job in jobs}
    assert set(asked) == set(metrics.SERVICES)
    for name, where in asked.items():
        assert (where["names"], where["type"], where["port"]) == ([name], "A", port)


def test_alerts_fire_when_they_should(tmp_path: Path) -> None:
    """Prometheus' own tool reads the alerts, runs their tests, and parses every query of Grafana's page."""
    assert "14 rules found" in promtool("check", "rules", ALERTS.name)
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yml")
    rules = [{"record": f"page:{number}", "expr": query} for number, query in enumerate(queries())]
    (tmp_path / "page.yml").write_text(yaml.safe_dump({"groups": [{"name": "page", "rules": rules}]}))
    tmp_path.chmod(0o755)
    assert f"{len(rules)} rules found" in promtool("check", "rules", "page.yml", folder=tmp_path)


def test_every_alert_has_a_test_and_says_what_to_do() -> None:
    """In the tests of promtool it fires at least once; the documentation has a line for each."""
    tests = yaml.safe_load((FOLDER / "alerts.test.yml").read_text())["tests"]
    fired = {one["alertname"] for test in tests for one in test["alert_rule_test"] if one["exp_alerts"]}
    assert fired == alerts().keys()
    operating = (ROOT / "docs" / "operating.md").read_text()
    for name, rule in alerts().items():
        assert f"| `{name}` |" in operating
        assert rule["annotations"].keys() == {"summary", "action"}
        assert rule["labels"]["severity"] in {"critical", "warning"}
