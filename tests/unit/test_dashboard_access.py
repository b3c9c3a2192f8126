"""Who may see the dashboard: hosts, sessions, headers, and settings that would let everybody in."""

from __future__ import annotations

import logging
import time
import unicodedata
from contextlib import closing
from typing import TYPE_CHECKING

import httpx
import pytest

from dashboard.live.hub import Hub
from dashboard.live.warming import Judges
from dashboard.settings import DashboardSettings
from dashboard.web.application import Shown, guarded
from dashboard.web.cases import Cases
from dashboard.web.guard import COOKIE
from dashboard.web.rules import Rules
from dashboard.web.sessions import LIFE_SECONDS, Sessions
from dashboard.web.topics import Topics
from dashboard.web.tries import TRIES
from pipeline.errors import SettingsError
from pipeline.runtime.http import END_SECONDS, Address, listen

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pipeline.runtime.http import Listening

TOKEN = "a-token-of-twenty-chars"  # noqa: S105 (of a test)
PASSWORD = " Größe & 100% + 日本語 \U0001f40d"  # noqa: S105 (of a test)


@pytest.fixture(params=[None, TOKEN], ids=["open", "token"])
def client(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """Provide who asks a dashboard without Kafka, once without and once with a token."""
    yield from client_of(request.param)


@pytest.fixture
def stranger() -> Iterator[httpx.Client]:
    """Provide who asks one that wants a token."""
    yield from client_of(TOKEN)


def listening(settings: DashboardSettings, hub: Hub) -> Listening:
    """Return a dashboard that listens, of which neither Kafka nor the cases answer."""
    kafka = settings.common.kafka
    looked_up = (Topics(kafka, settings.common.topics), Rules(kafka, "rules", lambda _: Judges(0, [])))
    shown = Shown(hub, {"topic": 1}, Cases("http://127.0.0.1:1", None), *looked_up)
    return listen(Address("127.0.0.1", 0, "NAMES"), guarded(settings, shown), proxies=settings.proxies)


def client_of(token: str | None, **variables: str) -> Generator[httpx.Client, None, None]:
    """Yield who asks a dashboard without Kafka."""
    values = {
        "DASHBOARD_TOKEN": token or "",
        "DASHBOARD_HOSTS": "fraud.example.com, Other.Example.COM",
        "KAFKA_BROKER_URL": "127.0.0.1:1",
        **variables,
    }
    settings = DashboardSettings.from_env(values)
    hub = Hub(lambda: {"lags": {}, "connected": False})
    served = listening(settings, hub)
    with httpx.Client(base_url=served.address, timeout=30, trust_env=False) as made:
        yield made
    served.end()


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "", "[::2]", "127.0.0.2"]
)
def test_other_names_lead_nowhere(client: httpx.Client, host: str) -> None:
    """A name that somebody else points to this machine: their page must not read ours. Also without a token."""
    for path in ("/", "/login", "/api/session", "/static/page.js"):
        assert client.get(path, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000", "fraud.example.com", "other.example.com"]
)
def test_our_names_lead_here(client: httpx.Client, host: str) -> None:
    """Whatever the port."""
    assert client.get("/login", headers={"Host": host}).status_code in {200, 303}


def test_every_answer_says_what_a_browser_may_do(client: httpx.Client) -> None:
    """Nothing from elsewhere, nothing inline, in no frame; refusals as well."""
    for path in ("/", "/login", "/static/page.js", "/api/session", "/none", "/openapi.json"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")


def test_who_has_no_session_sees_nothing(stranger: httpx.Client) -> None:
    """But the page to log in, and what that looks like."""
    for path in ("/", "/static/page.js", "/static/index.html", "/openapi.json"):
        assert (stranger.get(path).status_code, stranger.get(path).headers["Location"]) == (303, "/login")
    for path in ("/api/session", "/api/stream", "/api/records/topic/0/0"):
        assert stranger.get(path).status_code == 401
    for path in ("/login", "/static/base.css", "/static/login.css"):
        assert stranger.get(path).status_code == 200


def test_who_knows_the_token_logs_in_and_out(stranger: httpx.Client) -> None:
    """By a cookie that no script reads and no other page sends."""
    assert stranger.post("/login", data={"token": "nonsense"}).status_code == 403
    answer = stranger.post("/login", data={"token": TOKEN})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert stranger.get("/api/session").json() == {"token": True}
    stranger.post("/logout")
    stranger.cookies.clear()
    stranger.cookies.set(COOKIE, cookie.partition("=")[2].partition(";")[0])
    assert stranger.get("/api/session").status_code == 401


def test_either_of_two_secrets_logs_in(caplog: pytest.LogCaptureFixture) -> None:
    """In whatever script and however its accents are written; by nothing but all of it, and nothing is logged of it."""
    caplog.set_level(logging.DEBUG)
    made = client_of(TOKEN, DASHBOARD_PASSWORD=PASSWORD)
    client = next(made)
    with closing(made):
        assert client.get("/api/session").status_code == 401
        for given in (TOKEN, PASSWORD, unicodedata.normalize("NFD", PASSWORD)):
            assert client.post("/login", data={"token": given}).status_code == 303
            assert client.get("/api/session").json() == {"token": True}
            client.cookies.clear()
        for given in (PASSWORD.strip(), PASSWORD.upper(), f"{PASSWORD}x", TOKEN + PASSWORD):
            refused = client.post("/login", data={"token": given})
            assert (refused.status_code, given in refused.text) == (403, False)
            assert "That is neither the token nor the password." in refused.text
    assert not any(one in caplog.text for one in (TOKEN, PASSWORD.strip()))


def test_a_password_alone_is_enough() -> None:
    """Without one, who has none sees nothing; tries are counted as of a token."""
    made = client_of(None, DASHBOARD_PASSWORD=PASSWORD)
    client = next(made)
    with closing(made):
        assert client.get("/").headers["Location"] == "/login"
        for _ in range(TRIES):
            assert client.post("/login", data={"token": "x"}).status_code == 403
        assert client.post("/login", data={"token": PASSWORD}).status_code == 429


def test_a_token_cannot_be_tried_out(stranger: httpx.Client) -> None:
    """Five tries a minute; then the right one is refused, too."""
    for _ in range(TRIES):
        assert stranger.post("/login", data={"token": "x"}).status_code == 403
    refused = stranger.post("/login", data={"token": TOKEN})
    assert refused.status_code == 429
    assert 50 <= int(refused.headers["Retry-After"]) <= 60
    assert "Too many tries" in refused.text


@pytest.mark.parametrize("body", [b"token=" + b"x" * 5000, b"\xff\xfe", b"token", b"", b"token=%00%ff"])
def test_a_form_may_be_anything(stranger: httpx.Client, body: bytes) -> None:
    """Refused, never an error."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert stranger.post("/login", content=body, headers=headers).status_code in {403, 413}


def test_sessions_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After half a day, and the oldest where there are too many."""
    now = [1000.0]
    sessions = Sessions([TOKEN], lambda: now[0])
    monkeypatch.setattr("dashboard.web.sessions.MOST", 2)
    first, second, third = (sessions.begin(TOKEN, "192.0.2.1") for _ in range(3))
    assert (sessions.knows(first), sessions.knows(second), sessions.knows(third)) == (False, True, True)
    now[0] += LIFE_SECONDS
    assert not sessions.knows(third)
    assert sessions.begin("\ud800", None) is None
    assert not sessions.knows(None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "fraud.example.com"])  # noqa: S104 (refused)
def test_who_listens_to_others_needs_a_token(host: str) -> None:
    """Or a password: before anything is opened."""
    with pytest.raises(SettingsError, match=r"DASHBOARD_TOKEN or DASHBOARD_PASSWORD is missing: at .* others may look"):
        DashboardSettings.from_env({"DASHBOARD_HOST": host})
    for secret in ({"DASHBOARD_TOKEN": TOKEN}, {"DASHBOARD_PASSWORD": PASSWORD}):
        settings = DashboardSettings.from_env({"DASHBOARD_HOST": host, **secret})
        assert settings.secrets == tuple(secret.values())
        assert not any(one in repr(settings) for one in secret.values())


@pytest.mark.parametrize("given", ["x" * 11, "x" * 201, "twelve chars\n", "twelve chars\0", "\udcff" * 12])
def test_a_password_that_is_too_short_is_refused(given: str) -> None:
    """In a sentence that does not tell it, and that does not call it missing."""
    with pytest.raises(SettingsError) as refused:
        DashboardSettings.from_env({"DASHBOARD_HOST": "::", "DASHBOARD_PASSWORD": given})
    told = "DASHBOARD_PASSWORD must be a password of 12 to 200 printable characters, not the value given"
    assert refused.value.problems == (told,)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_who_listens_on_this_machine_alone_needs_none(host: str) -> None:
    """As by default."""
    assert DashboardSettings.from_env({"DASHBOARD_HOST": host}).secrets == ()


@pytest.mark.parametrize(
    "path",
    [
        "/api/records/topic/9/0",
        "/api/records/none/0/0",
        "/api/records/topic/-1/0",
        f"/api/records/topic/0/{10**30}",
        "/api/records/%00/0/0",
        "/api/records/topic/x/y",
        "/api/stream?branch=other",
        "/api/stream?account=" + "x" * 300,
        "/static/../settings.py",
        "/static/%2e%2e/settings.py",
        "/static/%00",
    ],
)
def test_nothing_that_is_asked_is_an_error_of_ours(path: str) -> None:
    """Refused, or not there."""
    made = client_of(None)
    client = next(made)
    with closing(made):
        assert 400 <= client.get(path).status_code < 500


def test_a_page_that_looks_holds_up_no_end(caplog: pytest.LogCaptureFixture) -> None:
    """It is let go within about a second, and nobody is told of an error."""
    settings = DashboardSettings.from_env({"KAFKA_BROKER_URL": "127.0.0.1:1"})
    hub = Hub(lambda: {"lags": {}, "connected": False})
    hub.take([], live=True)
    served = listening(settings, hub)
    asking = httpx.Client(base_url=served.address, timeout=30, trust_env=False)
    with asking, asking.stream("GET", "/api/stream") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("event: ")
        began = time.monotonic()
        hub.end()
        served.end()
        assert time.monotonic() - began < END_SECONDS
        assert "event: glance" in list(lines)
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []
