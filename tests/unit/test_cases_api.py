"""The interface to the cases, by real HTTP on loopback: what it does, what it refuses, and no error of its own."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from fraud_processor.api.application import application
from fraud_processor.settings import FraudSettings
from pipeline.contracts.cases import OUTBOX
from pipeline.errors import SettingsError
from pipeline.runtime.bodies import MAX_BODY_BYTES
from pipeline.runtime.database.names import restored
from pipeline.runtime.http import Address, CannotListenError, listen
from pipeline.runtime.token import knows
from tests.support.case_files import opened, put_frauds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

TOKEN = "a-token-of-twenty-chars"  # noqa: S105 (of a test)
ID = "tx/../1?a=b&c#<b>\u202e'\""
FRAUDS = "streaming.transactions.fraud"
NASTY = "<script>\0\ud800\u202e'; DROP TABLE cases;--"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Provide a database with a case for each of eleven accounts."""
    with opened(f"sqlite:///{tmp_path_factory.mktemp('api') / 'cases.sqlite'}") as made:
        put_frauds(made, *[f"A{number}{NASTY}" for number in range(10)], ID, target=NASTY)
        yield made


@pytest.fixture(scope="module")
def woken() -> threading.Event:
    """Provide what is set when senders are woken."""
    return threading.Event()


@pytest.fixture(scope="module")
def client(engine: Engine, woken: threading.Event) -> Iterator[httpx.Client]:
    """Provide a caller that knows the token, of a server that listens."""
    served = listen(Address("127.0.0.1", 0, "NAMES"), application(engine, TOKEN, woken.set))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=served.address, headers=headers, timeout=30, trust_env=False) as made:
        yield made
    served.end()


def test_cases_are_listed_in_pages(client: httpx.Client) -> None:
    """The newest first; the next page begins below the last number."""
    first = client.get("/cases", params={"state": "all", "most": 4}).json()
    second = client.get("/cases", params={"state": "all", "most": 4, "before": first[-1]["id"]}).json()
    assert [case["id"] for case in first + second] == list(range(11, 3, -1))
    assert client.get("/cases", params={"state": "closed"}).json() == []
    assert client.get("/cases/counts").json()["open"] >= 1


def test_a_case_is_shown_with_its_alerts_whatever_stands_in_them(client: httpx.Client) -> None:
    """Text that no database or wire takes as it is comes as text all the same."""
    told = client.get("/cases/1").json()
    assert (told["case"]["id"], len(told["alerts"]), told["steps"]) == (1, 1, [])
    assert told["alerts"][0]["amount"] == "1.00"
    assert told["alerts"][0]["content"] == "\\xff{}"
    assert client.get("/cases/999").status_code == 404


def test_a_transaction_tells_its_case(client: httpx.Client) -> None:
    """By its id, also one that no database takes as it is, and by where its record stands."""
    (found,) = client.get("/alerts", params={"transaction": ID}).json()
    assert (found["place"], found["case"]["subject"], found["case"]["alerts"]) == ("0:10", {"source": ID}, 1)
    assert client.get(f"/cases/{found['case']['id']}").json()["alerts"][0]["transaction_id"] == ID
    sought = client.get("/alerts/at", params={"topic": FRAUDS, "partition": 0, "offset": 0}).json()
    assert (sought["read"], sought["found"]["topic"], sought["found"]["place"]) == (True, FRAUDS, "0:0")
    told = sought["found"]["transaction_id"]
    assert told != f"A0{NASTY}"
    assert client.get("/alerts", params={"transaction": told}).json() == [sought["found"]]


def test_what_is_in_no_case_is_no_error(client: httpx.Client) -> None:
    """Whoever asks may be ahead of the fraud processor."""
    for unknown in ("x", "' OR 1=1 --", "%", "*", "\0", "/../cases", "\ufffd:", "\ufffd:zz", f"{ID} "):
        assert client.get("/alerts", params={"transaction": unknown}).json() == []
    for topic, partition, offset in ((FRAUDS, 0, 11), (FRAUDS, 1, 0), ("other", 0, 0)):
        asked = client.get("/alerts/at", params={"topic": topic, "partition": partition, "offset": offset})
        assert (asked.status_code, asked.json()) == (200, {"read": False, "found": None})


@pytest.mark.parametrize(
    "asked",
    [
        "alerts",
        "alerts?transaction=",
        f"alerts?transaction={'x' * 2_101}",
        "alerts?transaction=x&most=0",
        "alerts?transaction=x&most=101",
        "alerts/at?topic=x&partition=0",
        "alerts/at?topic=x/y&partition=0&offset=0",
        "alerts/at?topic=x&partition=-1&offset=0",
        f"alerts/at?topic=x&partition={2**31}&offset=0",
        f"alerts/at?topic=x&partition=0&offset={2**63}",
    ],
)
def test_a_question_for_alerts_has_bounds(client: httpx.Client, asked: str) -> None:
    """Beyond them it is refused before the database is asked."""
    assert client.get(f"/{asked}").status_code == 422


def test_a_case_is_worked_off(client: httpx.Client, engine: Engine, woken: threading.Event) -> None:
    """Acknowledged, noted, resolved once; its label is queued with that."""
    doing = {"by": "ann", "note": "calls"}
    assert client.post("/cases/2/acknowledge", json=doing).json()["state"] == "acknowledged"
    assert client.post("/cases/2/acknowledge", json=doing).status_code == 409
    assert client.post("/cases/2/notes", json={"by": "bob", "note": NASTY.replace("\ud800", "")}).status_code == 200
    woken.clear()
    resolved = client.post("/cases/2/resolve", json={"by": "ann", "finding": "false-alarm"}).json()
    assert (resolved["state"], resolved["gathers"]) == ("false-alarm", False)
    assert woken.is_set()
    refused = client.post("/cases/2/close", json=doing)
    assert (refused.status_code, refused.json()["detail"]) == (409, "case 2: it was resolved as false-alarm before")
    steps = [(step["who"], step["what"]) for step in client.get("/cases/2").json()["steps"]]
    assert steps == [("ann", "acknowledged"), ("bob", "note"), ("ann", "false-alarm")]
    with engine.connect() as connection:
        keys = connection.execute(select(OUTBOX.c.key)).scalars().all()
    assert keys.count("labels-2/labels") == 1


def test_a_false_alarm_is_released_later(client: httpx.Client, engine: Engine, woken: threading.Event) -> None:
    """Once, and nothing else is: whoever forgot it when it was resolved has not lost the payment."""
    doing = {"by": "ann"}
    assert client.post("/cases/6/release", json=doing).json()["detail"] == (
        "case 6: only what was a false alarm is released"
    )
    client.post("/cases/6/resolve", json={**doing, "finding": "false-alarm"})
    woken.clear()
    assert client.post("/cases/6/release", json=doing).json()["state"] == "false-alarm"
    assert woken.is_set()
    refused = client.post("/cases/6/release", json=doing)
    assert (refused.status_code, refused.json()["detail"]) == (409, "case 6: its payments are released already")
    at_once = {**doing, "finding": "false-alarm", "release": True}
    assert client.post("/cases/7/resolve", json=at_once).status_code == 200
    assert client.post("/cases/7/release", json=doing).status_code == 409
    assert client.post("/cases/999/release", json=doing).status_code == 404
    with engine.connect() as connection:
        keys = connection.execute(select(OUTBOX.c.key).where(OUTBOX.c.outlet == "released")).scalars().all()
    assert keys == ["released-6/released", "released-7/released"]


@pytest.mark.parametrize("header", ["", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"])
def test_who_does_not_know_the_token_learns_nothing(client: httpx.Client, header: str) -> None:
    """Also of what there is."""
    for path in ("/cases", "/cases/1", "/cases/999", "/alerts?transaction=x", f"/alerts/at?topic={FRAUDS}"):
        refused = httpx.get(f"{client.base_url}{path}", headers={"Authorization": header}, trust_env=False, timeout=30)
        assert refused.status_code == 401
    assert client.post("/cases/3/close", json={"by": "x"}, headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("who", ["", " ", "\t\n\x1c", "\u3000\u00a0", "x" * 101, "\U0001f40d" * 101, 1, None, ["ann"]])
def test_whoever_does_something_says_who(client: httpx.Client, who: object) -> None:
    """A name is text that is not blank, of a hundred characters at most."""
    assert client.post("/cases/4/acknowledge", json={"by": who}).status_code == 422


@pytest.mark.parametrize("note", ["", " \n", "\x1f", "x" * 4_001])
def test_a_note_says_something(client: httpx.Client, note: str) -> None:
    """Where it is all that is done."""
    assert client.post("/cases/4/notes", json={"by": "ann", "note": note}).status_code == 422


def test_a_name_may_be_of_any_script(client: httpx.Client) -> None:
    """And is kept as it was written; who shows it takes it for nothing but text."""
    names = ["<b>O'Brien</b>", "\u202e\0", "\U0001f40d" * 100]
    for who in names:
        assert client.post("/cases/5/notes", json={"by": who, "note": "x"}).status_code == 200
    assert [restored(step["who"]) for step in client.get("/cases/5").json()["steps"]] == names


def test_a_body_has_a_bound(client: httpx.Client) -> None:
    """Also one that does not say how long it is."""
    assert client.post("/cases/3/notes", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413
    assert client.post("/cases/3/notes", content=(b"x" for _ in range(3))).status_code == 413


def test_a_token_has_sixteen_characters_or_more() -> None:
    """And is not told when it is refused; a header of any bytes is compared."""
    with pytest.raises(SettingsError, match="CASES_API_TOKEN must be 16 printable") as refused:
        FraudSettings.from_env({"CASES_API_TOKEN": "hidden"})
    assert "hidden" not in str(refused.value)
    assert "hidden" not in repr(FraudSettings.from_env({"CASES_API_TOKEN": "hidden" * 4}))
    assert not knows("Bearer \udcff", TOKEN)
    assert knows(f"bearer {TOKEN}", TOKEN)


def test_an_address_that_is_taken_is_told(engine: Engine) -> None:
    """With the variables that say which."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        app = application(engine, TOKEN, lambda: None)
        with pytest.raises(CannotListenError, match=r"\(NAMES\): Address already in use"):
            listen(Address("127.0.0.1", taken.getsockname()[1], "NAMES"), app)
    with pytest.raises(CannotListenError, match="cannot listen at"):
        listen(Address("no.such.host.invalid", 1, "NAMES"), app)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["by", "note", "finding", "x"]), inner),
    max_leaves=6,
)
SEGMENT = st.one_of(st.integers().map(str), st.text(min_size=1, max_size=10), st.sampled_from(["1", "4", "0", "-1"]))
QUERY = st.dictionaries(st.sampled_from(["most", "skip", "before"]), SEGMENT)
VERBS = st.sampled_from(["acknowledge", "resolve", "close", "notes", "release", ""])


@given(
    SEGMENT, VERBS, JSON | st.binary(max_size=50), st.dictionaries(st.sampled_from(["most", "skip", "before"]), SEGMENT)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_nothing_that_is_sent_is_an_error_of_ours(
    client: httpx.Client, number: str, verb: str, body: Any, query: dict[str, str]
) -> None:
    """A refusal, or done: never a 500."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = f"/cases/{quote(number, safe='')}"
    sent = client.post(f"{path}/{verb}", content=content, headers={"Content-Type": "application/json"})
    assert sent.status_code < 500
    assert client.get(path, params=query).status_code < 500
    assert client.get("/cases", params={**query, "state": number}).status_code < 500
