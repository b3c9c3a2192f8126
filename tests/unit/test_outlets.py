"""Messages leave by real HTTP and SMTP on loopback, whatever stands in a transaction, and tell no secret."""

from __future__ import annotations

import base64
import email
import email.policy
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from fraud_processor.cases.reading import Alert, Case
from fraud_processor.outbox.digest import encoded, message_of
from fraud_processor.outlets import signed
from fraud_processor.outlets.choosing import addresses, outlets
from fraud_processor.outlets.outlet import OutletError
from fraud_processor.outlets.people import PeopleOutlet
from fraud_processor.outlets.signed import SignedOutlet, signature
from fraud_processor.settings import FraudSettings
from pipeline.errors import SettingsError
from tests.support.compose import free_ports
from tests.support.receivers import mailbox, receiving

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = b"k" * 24
SECRET = "whsec_" + base64.b64encode(KEY).decode()
NASTY = [
    "<script>alert(1)</script>",
    "a\r\nBcc: victim@example.com\r\n\r\nhello",
    "\x1b[31mred\x07",
    "\u202egnp.exe",
    "<!channel> @everyone <@U123>",
    "{{ 7*7 }} ${jndi:ldap://x} %s {title}",
    "`code` *bold* [link](http://evil)",
    "x" * 500,
]


def case(**changes: object) -> Case:
    """Return a case."""
    members = {
        "id": 7,
        "subject": {"source": "A1"},
        "state": "open",
        "severity": "high",
        "score": 160,
        "alerts": 1,
        "first": NOON,
        "last": NOON,
        "opened_at": NOON,
        "gathers": True,
        **changes,
    }
    return Case(**members)  # type: ignore[arg-type]


def alert(text: str = "t1") -> Alert:
    """Return an alert with a text in every field that a sender chooses."""
    hits = [{"rule": "large-amount", "message": f"because of {text}", "score": 100}]
    return Alert(
        place="0:1",
        transaction_id=text,
        source=text,
        target=text,
        amount="980.05",
        currency="EUR",
        time=NOON,
        severity="high",
        score=100,
        content=json.dumps({"verdict": {"hits": hits}}),
    )


def body(alerts: Sequence[Alert] = (), told: int = 0, **changes: object) -> str:
    """Return the body of a message."""
    return encoded(message_of(case(**changes), alerts or [alert()], 1, told)).decode()


def test_a_message_says_what_is_new_and_how_much_more() -> None:
    """Of twenty alerts, three of which were told, the five latest are shown and twelve are not."""
    message = message_of(case(alerts=20), [alert(f"t{number}") for number in range(5)], 2, 3)
    assert (message.id, message.new, message.more, len(message.shown)) == ("case-7-2", 17, 12, 5)
    assert message.title == "[HIGH] case 7: source A1, 20 alerts"
    assert "17 new" in message.text
    assert "and 12 more" in message.text
    assert "large-amount: because of t0" in message.text
    assert "message case-7-2" in message.text


@pytest.mark.parametrize("text", NASTY)
def test_a_text_in_a_field_stays_a_text(text: str) -> None:
    """One line, printable, cut; no tag, no mention, no template."""
    message = message_of(case(subject={"source": text}), [alert(text)], 1, 0)
    for told in (message.title, *message.text.split("\n")):
        assert told.isprintable() or "\u200b" in told
        assert not set("<>`") & set(told.replace("->", ""))
    assert "@everyone" not in message.text
    assert "victim@example" not in message.text
    assert message.text.count("\n") == message_of(case(), [alert()], 1, 0).text.count("\n")


def test_a_content_of_a_newer_version_has_no_reasons() -> None:
    """The message goes out all the same."""
    for content in ("", "[]", '{"verdict":{"hits":[1]}}', '{"verdict":7}', "[" * 100_000):
        assert replace(alert(), content=content).reasons == []


def test_a_webhook_is_signed_over_id_time_and_body() -> None:
    """As the receiver computes it; the key is there twice, for who knows either header."""
    with receiving() as receiver:
        outlet = SignedOutlet(f"http://{receiver.address}/hook?token=hidden", KEY, now=lambda: 1_764_000_000.5)
        outlet.send("case-7-1", body())
        (request,) = receiver.requests
    assert request.headers["webhook-id"] == request.headers["Idempotency-Key"] == "case-7-1"
    assert request.headers["webhook-timestamp"] == "1764000000"
    assert request.headers["webhook-signature"] == signature(KEY, "case-7-1", 1_764_000_000, request.body)
    told = json.loads(request.body)
    assert (told["id"], told["type"], told["case"], told["shown"][0]["amount"]) == (
        "case-7-1",
        "case.alerts",
        7,
        "980.05",
    )
    assert "hidden" not in outlet.name


def test_the_signature_is_that_of_the_standard() -> None:
    """The example that the standard's own libraries are tested with."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    told = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [302, 404, 410, 429, 500, 503])
def test_what_a_webhook_does_not_take_is_told(status: int) -> None:
    """Also where it would send us elsewhere: what is signed for one is for no other."""
    with receiving() as receiver:
        receiver.status = status
        with pytest.raises(OutletError, match=f"answered {status}"):
            SignedOutlet(f"http://{receiver.address}/", KEY).send("k", body())
        assert len(receiver.requests) == 1


def test_a_webhook_that_hangs_or_is_gone_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within its limits; the error does not tell the URL."""
    monkeypatch.setattr(signed, "LIMITS_SECONDS", (0.5, 0.5))
    with receiving() as receiver:
        receiver.status = 0
        with pytest.raises(OutletError, match="Timeout") as hung:
            SignedOutlet(f"http://{receiver.address}/?token=hidden", KEY).send("k", body())
    (port,) = free_ports(1)
    with pytest.raises(OutletError, match="ConnectionError") as gone:
        SignedOutlet(f"http://127.0.0.1:{port}/?token=hidden", KEY).send("k", body())
    assert "hidden" not in f"{hung.value}{gone.value}"


def test_people_are_told_by_json_with_the_key_in_a_header() -> None:
    """Apprise's own generic service."""
    with receiving() as receiver:
        PeopleOutlet(f"json://{receiver.address}/x").send("case-7-1", body())
        receiver.status = 500
        with pytest.raises(OutletError, match="did not take it"):
            PeopleOutlet(f"json://{receiver.address}/x").send("case-7-1", body())
        request = receiver.requests[0]
    assert request.headers["Idempotency-Key"] == "case-7-1"
    told = json.loads(request.body)
    assert told["title"] == "[HIGH] case 7: source A1, 1 alert"
    assert "message case-7-1" in told["message"]


@pytest.mark.parametrize("text", NASTY)
def test_people_are_told_by_mail_and_no_field_becomes_a_header_or_a_tag(text: str) -> None:
    """A real SMTP server takes it."""
    with mailbox() as (box, port):
        outlet = PeopleOutlet(f"mailto://127.0.0.1:{port}?from=pipeline@example.com&to=analyst@example.com")
        outlet.send("case-7-1", body([alert(text)], subject={"source": text}))
        (content,) = box.mails
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert mail["To"].count("@") == 1
    assert mail["Bcc"] is None
    assert "case 7" in mail["Subject"]
    for part in mail.walk():
        if part.get_content_type() == "text/html":
            assert "<script" not in part.get_content()
            assert "href" not in part.get_content()


def test_a_mail_server_that_refuses_is_told() -> None:
    """And takes it when it is sent again."""
    with mailbox() as (box, port):
        outlet = PeopleOutlet(f"mailto://127.0.0.1:{port}?from=a@example.com&to=b@example.com")
        box.refusal = "451 later"
        with pytest.raises(OutletError):
            outlet.send("k", body())
        box.refusal = ""
        outlet.send("k", body())
        assert len(box.mails) == 1


def test_outlets_are_chosen_by_urls_with_a_floor() -> None:
    """Names do not change from start to start, and tell no password."""
    told = "high=mailto://me:hidden@example.com\n json://example.com/x signed+https://example.com/hook?t=hidden"
    chosen = outlets(addresses(told), KEY)
    assert [one.floor for one in chosen] == [2, 0, 0]
    names = [one.outlet.name for one in chosen]
    assert names == [one.outlet.name for one in outlets(addresses(told), KEY)]
    assert [name.rpartition("-")[0] for name in names] == ["mailto", "json", "webhook"]
    assert "hidden" not in " ".join(names)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"ALERT_URLS": "json://ok/ nothing://me:hidden@host"}, "Apprise knows.*number 2 is not"),
        ({"ALERT_URLS": "signed+ftp://hidden"}, "signed.https"),
        ({"ALERT_URLS": "signed+https://host/hidden"}, "ALERT_WEBHOOK_SECRET is missing"),
        ({"ALERT_WEBHOOK_SECRET": "hidden"}, "whsec_ and base64"),
        ({"ALERT_WEBHOOK_SECRET": "whsec_hidden"}, "whsec_ and base64"),
        ({"ALERT_INTERVAL": "never"}, "a duration above zero"),
    ],
)
def test_what_cannot_be_is_refused_at_the_start(values: dict[str, str], told: str) -> None:
    """With what was expected, and without the value: there are passwords in URLs."""
    with pytest.raises(SettingsError, match=told) as refused:
        FraudSettings.from_env(values)
    assert "hidden" not in str(refused.value)


def test_settings_show_no_secret() -> None:
    """In a log or a traceback."""
    values = {"ALERT_URLS": "json://me:hidden@host signed+https://host/hidden", "ALERT_WEBHOOK_SECRET": SECRET}
    told = repr(FraudSettings.from_env(values))
    assert "hidden" not in told
    assert SECRET not in told
