"""What the compose files say, as ``docker compose config`` reads them; nothing is started."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from dashboard.settings import DASHBOARD_HOST, DASHBOARD_PORT
from detector.settings import RULES_FILE
from fraud_processor.settings import CASES_API_HOST
from pipeline.runtime.cases_api import CASES_API_URL
from pipeline.runtime.cluster_settings import KAFKA_BROKER_URL, SSL_CAFILE, SSL_CERTFILE, SSL_KEYFILE
from pipeline.runtime.database.settings import CASES_DATABASE_URL, LEDGER_DATABASE_URL
from pipeline.runtime.settings import HEARTBEAT_FILE, METRICS_HOST, METRICS_PORT
from tests.support.compose import ROOT, Project, require_docker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

SERVICES = {
    "topics": "pipeline.runtime.provision",
    "generator": "generator.__main__",
    "detector": "detector.__main__",
    "legit_processor": "legit_processor.__main__",
    "fraud_processor": "fraud_processor.__main__",
    "dashboard": "dashboard.__main__",
}
PIPELINE = "docker-compose.yml"
SINGLE, THREE = "docker-compose.kafka.yml", "docker-compose.kafka.cluster.yml"
DATABASES = {
    "legit_processor": (LEDGER_DATABASE_URL, "ledger.sqlite"),
    "fraud_processor": (CASES_DATABASE_URL, "cases.sqlite"),
}
FILES = (SSL_CAFILE.name, SSL_CERTFILE.name, SSL_KEYFILE.name, RULES_FILE.name)


@pytest.fixture(autouse=True)
def _docker() -> None:
    require_docker()


def read(file: str, **variables: str) -> dict[str, Any]:
    """Return the services of a file, read with these variables alone."""
    services: dict[str, Any] = json.loads(Project("t", file, variables).compose("config", "--format", "json"))[
        "services"
    ]
    return services


def declared(service: str) -> set[str]:
    """Return the names of the variables that the code of a service declares."""
    return {variable.name for variable in import_module(SERVICES[service]).SERVICE.variables}


def given(environment: Mapping[str, str | None]) -> dict[str, str]:
    """Return what a container's environment holds that says anything."""
    return {name: value for name, value in environment.items() if value}


def test_there_is_a_service_for_every_process() -> None:
    """The file has the services that this test looks at, no more and no fewer."""
    assert read(PIPELINE).keys() == SERVICES.keys()


@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_reaches_the_service_that_declares_it(service: str) -> None:
    """What is set outside is set inside, for all variables of the service and no others; the image sets one itself."""
    names = {name for each in SERVICES for name in declared(each)}
    outside = {name: f"value of {name}" for name in names} | {DASHBOARD_PORT.name: "8123"}
    inside = given(read(PIPELINE, **outside)[service]["environment"])
    assert inside.keys() == declared(service) - {HEARTBEAT_FILE.name}
    assert {name: value for name, value in inside.items() if name not in FILES} == {
        name: outside[name] for name in inside if name not in FILES
    }


@pytest.mark.parametrize("service", SERVICES)
def test_unset_variables_are_left_to_the_code(service: str) -> None:
    """Without any, only the address of the broker is set, to the one that holds in the network, and a volume."""
    contained = read(PIPELINE)[service]
    # Both listen within the network of the containers alone.
    expected = {KAFKA_BROKER_URL.name: "broker:9092", METRICS_HOST.name: "0.0.0.0", METRICS_PORT.name: "9100"}  # noqa: S104
    if service in DATABASES:
        (volume,) = [mount["target"] for mount in contained["volumes"] if mount["type"] == "volume"]
        variable, name = DATABASES[service]
        expected[variable.name] = f"sqlite:///{volume}/{name}"
    if service == "fraud_processor":
        expected[CASES_API_HOST.name] = "0.0.0.0"  # noqa: S104 (within the network of the containers)
    if service == "dashboard":
        expected[DASHBOARD_HOST.name] = "0.0.0.0"  # noqa: S104 (as above)
        expected[CASES_API_URL.name] = "http://fraud_processor:8001"
    assert given(contained["environment"]) == expected


def test_there_is_a_database_for_who_asks_for_one() -> None:
    """With a health check, bounds, and nothing published; without a password the image refuses to start."""
    services = json.loads(Project("t", PIPELINE, {}).compose("--profile", "postgres", "config", "--format", "json"))
    postgres = services["services"]["postgres"]
    assert postgres["healthcheck"]
    assert postgres["mem_limit"]
    assert "ports" not in postgres
    assert not given(postgres["environment"]).get("POSTGRES_PASSWORD")


@pytest.mark.parametrize(("profile", "names"), [("observability", ("prometheus", "grafana")), ("ui", ("kafka-ui",))])
def test_there_are_tools_for_who_asks_for_them(profile: str, names: tuple[str, ...]) -> None:
    """Each with a version, bounds, and nothing published beyond this machine; a Kafka UI may change nothing."""
    read_with = Project("t", PIPELINE, {}).compose("--profile", profile, "config", "--format", "json")
    services = json.loads(read_with)["services"]
    assert services.keys() == {*SERVICES, *names}
    for name in names:
        one = services[name]
        assert {port["host_ip"] for port in one["ports"]} == {"127.0.0.1"}
        assert ":" in one["image"]
        assert not one["image"].endswith(":latest")
        assert one["mem_limit"]
        assert one["cap_drop"] == ["ALL"]
    if profile == "ui":
        assert services["kafka-ui"]["environment"]["KAFKA_CLUSTERS_0_READONLY"] == "true"


@pytest.mark.parametrize("variable", FILES)
def test_a_file_is_mounted_where_its_variable_says(variable: str, tmp_path: Path) -> None:
    """The variable names a file of this machine; the container has it, at the path it is told."""
    file = tmp_path / "named"
    detector = read(PIPELINE, **{variable: str(file)})["detector"]
    (mounted,) = [mount for mount in detector["volumes"] if mount["source"] == str(file)]
    assert mounted["target"] == detector["environment"][variable]
    assert mounted["read_only"]


def test_files_of_lists_are_mounted_beside_the_rules(tmp_path: Path) -> None:
    """A folder: rules name what is in it as they would outside."""
    detector = read(PIPELINE, RULES_FILE=str(tmp_path / "mine.yaml"), RULES_LISTS=str(tmp_path / "lists"))["detector"]
    (mounted,) = [mount for mount in detector["volumes"] if mount["source"] == str(tmp_path / "lists")]
    assert mounted["target"] == str(PurePosixPath(detector["environment"][RULES_FILE.name]).parent / "lists")
    assert mounted["read_only"]


@pytest.mark.parametrize("service", SERVICES)
def test_services_run_contained(service: str) -> None:
    """Nothing to write on, no capability, bounded memory, processes and logs, time to stop; the page is for here."""
    contained = read(PIPELINE)[service]
    assert contained["read_only"]
    assert contained["cap_drop"] == ["ALL"]
    assert contained["security_opt"] == ["no-new-privileges:true"]
    assert contained["mem_limit"]
    assert contained["pids_limit"]
    assert contained["logging"]["options"]["max-size"]
    assert contained["stop_grace_period"] == "30s"
    assert not {"container_name", "privileged"} & contained.keys()
    published = contained.get("ports", [])
    assert {port["host_ip"] for port in published} == ({"127.0.0.1"} if service == "dashboard" else set())


@pytest.mark.parametrize(
    ("file", "published"), [(SINGLE, ["9094"]), (THREE, ["9091", "9092", "9093"])], ids=["one broker", "three"]
)
def test_brokers_are_published_to_this_machine_alone(file: str, published: list[str]) -> None:
    """Each broker publishes one port, on 127.0.0.1, and advertises that port to clients outside."""
    brokers = read(file)
    ports = [port for broker in brokers.values() for port in broker["ports"]]
    assert [port["published"] for port in ports] == published
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
    for port, broker in zip(ports, brokers.values(), strict=True):
        assert broker["environment"]["KAFKA_ADVERTISED_LISTENERS"].endswith(f",OUTSIDE://127.0.0.1:{port['published']}")


def test_three_brokers_differ_from_one_in_what_they_must_alone() -> None:
    """Safety settings of the single broker hold for the cluster, whose data and identity are its own."""
    (single,) = read(SINGLE).values()
    for node in read(THREE).values():
        same = node.keys() - {"environment", "ports", "volumes"}
        assert {key: node[key] for key in same} == {key: single[key] for key in same}
        assert node["volumes"] != single["volumes"]
        assert node["environment"]["CLUSTER_ID"]
        assert node["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_images_hold_what_is_named_alone() -> None:
    """The build context is a list of what may enter it, so that no secret slips in beside the code."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == {
        "requirements.txt",
        "pipeline",
        "rules",
        *(SERVICES.keys() - {"topics"}),
    }
