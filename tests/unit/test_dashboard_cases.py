"""Cases on the page: asked of a real interface to a database, and changed by nobody but the page itself."""

from __future__ import annotations

import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from dashboard.live.hub import Hub
from dashboard.live.warming import Judges
from dashboard.settings import DashboardSettings
from dashboard.web.application import Shown, guarded
from dashboard.web.cases import Cases
from dashboard.web.rules import Rules
from dashboard.web.topics import Topics
from fraud_processor.api.application import application
from pipeline.errors import SettingsError
from pipeline.runtime.http import Address, listen
from tests.support.case_files import opened, put_frauds
from tests.support.eventually import eventually
from tests.unit.test_cases_api import FRAUDS, NASTY

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

TOKEN = "a-token-of-twenty-chars"  # noqa: S105 (of a test)
OURS = {"X-Dashboard": "1"}
ANN = {"by": "ann", "note": "calls"}


def client_of(url: str, token: str | None) -> Generator[httpx.Client, None, None]:
    """Yield who asks a dashboard that asks an interface at ``url``."""
    settings = DashboardSettings.from_env({"KAFKA_BROKER_URL": "127.0.0.1:1", "DASHBOARD_HOSTS": "fraud.example.com"})
    hub = Hub(lambda: {"lags": {}, "connected": False, "cases": None})
    kafka = settings.common.kafka
    shown = Shown(
        hub,
        {},
        Cases(url, token),
        Topics(kafka, settings.common.topics),
        Rules(kafka, "rules", lambda _: Judges(0, [])),
    )
    served = listen(Address("127.0.0.1", 0, "NAMES"), guarded(settings, shown))
    with httpx.Client(base_url=served.address, timeout=30, trust_env=False) as made:
        yield made
    served.end()


@pytest.fixture
def interface(tmp_path: Path) -> Iterator[str]:
    """Provide the address of an interface with two cases."""
    with opened(f"sqlite:///{tmp_path / 'cases.sqlite'}") as engine:
        put_frauds(engine, "A", f"B{NASTY}")
        served = listen(Address("127.0.0.1", 0, "NAMES"), application(engine, TOKEN, lambda: None))
        yield served.address
        served.end()


@pytest.fixture
def client(interface: str) -> Iterator[httpx.Client]:
    """Provide who asks a dashboard that knows the token of the cases."""
    yield from client_of(interface, TOKEN)


def test_cases_are_shown_and_worked_off(client: httpx.Client) -> None:
    """What the interface refuses is told as it tells it."""
    assert {case["id"] for case in client.get("/api/cases").json()} == {1, 2}
    assert client.get("/api/cases/1").json()["case"]["state"] == "open"
    assert client.get("/api/cases/9").json() == {"detail": "there is no case 9"}
    done = client.post("/api/cases/1/resolve", json={**ANN, "finding": "fraud"}, headers=OURS)
    assert done.json()["state"] == "confirmed"
    again = client.post("/api/cases/1/close", json=ANN, headers=OURS)
    assert (again.status_code, again.json()["detail"]) == (409, "case 1: it was resolved as confirmed before")
    assert client.get("/api/cases", params={"state": "nonsense"}).status_code == 422


def test_a_false_alarm_is_released_later(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    """A name is what somebody says: the log has where it was said, on one line."""
    caplog.set_level(logging.INFO, logger="dashboard.web.cases")
    for verb, more in (("resolve", {"finding": "false-alarm"}), ("release", {})):
        doing = {"by": "ann\nERROR forged", **more}
        assert client.post(f"/api/cases/1/{verb}", json=doing, headers=OURS).json()["state"] == "false-alarm"
    refused = client.post("/api/cases/1/release", json=ANN, headers=OURS)
    assert (refused.status_code, refused.json()["detail"]) == (409, "case 1: its payments are released already")
    said = [record.message for record in caplog.records]
    assert said == [f"case 1: {verb}, by ann\\nERROR forged at 127.0.0.1" for verb in ("resolve", "release")]


def test_a_fraud_tells_its_case(client: httpx.Client) -> None:
    """Where its record stands says which; one that is not read yet is told from one in no case."""
    sought = client.get(f"/api/alerts/{FRAUDS}/0/1").json()
    assert sought["read"]
    assert sought["found"]["case"]["subject"]["source"].startswith("B<script>")
    assert client.get(f"/api/alerts/{FRAUDS}/0/2").json() == {"read": False, "found": None}
    for place in ("a b/0/0", f"{FRAUDS}/-1/0", f"{FRAUDS}/0/{2**63}", f"{FRAUDS}/x/0", f"{'x' * 250}/0/0"):
        assert client.get(f"/api/alerts/{place}").status_code == 422


@pytest.mark.parametrize(
    "headers",
    [{}, {**OURS, "Origin": "https://evil.example"}, {**OURS, "Origin": "null"}, {"Origin": "http://localhost:8000"}],
)
def test_a_page_elsewhere_changes_nothing(client: httpx.Client, headers: dict[str, str]) -> None:
    """Neither by a form, which has no header of ours, nor by a script, which has another origin."""
    refused = client.post("/api/cases/1/close", json=ANN, headers=headers)
    assert (refused.status_code, refused.json()["detail"]) == (403, "only the dashboard's own page may do that")
    assert client.get("/api/cases/1").json()["case"]["state"] == "open"
    for origin in ("http://localhost:8000", "https://fraud.example.com"):
        answer = client.post("/api/cases/1/notes", json=ANN, headers={**OURS, "Origin": origin})
        assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"by": 1}', b'{"by":"x","note":"y","z":1}', b"\xff"])
def test_a_body_may_be_anything(client: httpx.Client, body: bytes) -> None:
    """Refused, never an error of ours."""
    headers = {**OURS, "Content-Type": "application/json"}
    assert client.post("/api/cases/1/notes", content=body, headers=headers).status_code in {400, 422}


def test_what_is_missing_is_told(interface: str) -> None:
    """No token, another one, and nobody who answers."""
    for url, token, status, told in (
        (interface, None, 404, "cases are shown where CASES_API_TOKEN is set"),
        (interface, "another-token-of-chars", 503, "another CASES_API_TOKEN"),
        ("http://127.0.0.1:1", TOKEN, 503, "the fraud processor does not answer"),
    ):
        asking = client_of(url, token)
        answer = next(asking).get("/api/cases")
        assert answer.status_code == status
        assert told in answer.json()["detail"]
        asking.close()


@pytest.mark.parametrize("url", ["fraud:8001", "ftp://x", "http://", "http://a:b@x", "http://x/path", "http://x:99999"])
def test_an_address_is_one_of_http(url: str) -> None:
    """Without a path, and without a password in it."""
    with pytest.raises(SettingsError, match="CASES_API_URL must be an address such as"):
        DashboardSettings.from_env({"CASES_API_URL": url})


def test_nobody_but_the_interface_is_told_the_token(
    client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a proxy that the environment names, nor does a file of passwords say another one."""
    passwords = tmp_path / "netrc"
    passwords.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(passwords))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert client.get("/api/cases").status_code == 200


def test_an_interface_that_does_not_answer_holds_up_nothing_else() -> None:
    """However many ask for cases: the page itself is there, and says that they are not."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent, ThreadPoolExecutor(60) as callers:
        asking = client_of(f"http://127.0.0.1:{silent.getsockname()[1]}", TOKEN)
        client = next(asking)
        found = [callers.submit(client.get, "/api/cases") for _ in range(45)]
        # Those that wait for the interface give up in their time, and are told something else then.
        first = eventually(lambda: [one for one in found if one.done()], 30, "a refusal")
        assert httpx.get(client.base_url, timeout=30, trust_env=False).status_code == 200
        refused = [one.result() for one in first]
        assert {(one.status_code, one.json()["detail"]) for one in refused} == {(503, "too many ask for cases already")}
        silent.close()
        assert {one.result().status_code for one in found} == {503}
        asking.close()
