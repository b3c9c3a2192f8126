"""What nobody can read, on a real Kafka: each is one dead letter with its reason, and the next record goes on."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.contracts import topics
from pipeline.errors import BrokerUnavailableError
from pipeline.runtime.transactional import output
from tests.support.deployment import WITHIN, headers_of
from tests.support.eventually import eventually
from tests.support.parts import on_both_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

GOOD = {"source": "A1", "target": "B2", "amount": 231.67, "currency": "EUR"}


def changed(**members: Any) -> bytes:
    """Return the good transfer with members replaced."""
    return json.dumps(GOOD | members).encode()


def without(member: str) -> bytes:
    """Return the good transfer without a member."""
    return json.dumps({name: value for name, value in GOOD.items() if name != member}).encode()


INVALID: dict[str, tuple[bytes | None, str]] = {
    "tombstone": (None, "tombstone"),
    "empty": (b"", "empty"),
    "truncated": (changed()[:-5], "invalid-json"),
    "not UTF-8": (changed(source="X").replace(b"X", b"\xff\xfe"), "not-utf-8"),
    "nested 100,000 deep": (b'{"a":' * 100_000, "too-deep"),
    "nested 40 deep": (changed(extra=json.loads("[" * 40 + "]" * 40)), "too-deep"),
    "NaN": (changed().replace(b"231.67", b"NaN"), "invalid-json"),
    "infinity": (changed().replace(b"231.67", b"-Infinity"), "invalid-json"),
    "negative": (changed(amount=-1), "negative-amount"),
    "amount as text": (changed(amount="12"), "wrong-type"),
    "amount as truth": (changed(amount=True), "wrong-type"),
    "source as number": (changed(source=12), "wrong-type"),
    "no target": (without("target"), "missing-member"),
    "array": (b"[1,2,3]", "not-an-object"),
    "1e999999": (changed().replace(b"231.67", b"1e999999"), "amount-too-large"),
    "sixteen digits": (changed(amount=10**15), "amount-too-large"),
    "three decimals": (changed(amount=1.005), "too-many-decimals"),
    "member twice": (changed().replace(b"{", b'{"amount": 1, ', 1), "repeated-member"),
    "own verdict": (changed(verdict={"score": 0}), "reserved-member"),
    "no currency code": (changed(currency="euro"), "invalid-value"),
}


@on_both_paths
def test_each_is_one_dead_letter_with_its_reason_and_the_next_goes_on(deploy: Callable[..., Deployment]) -> None:
    """Between two good records each, every invalid one ends as exactly one letter that names it, as it came."""
    pipeline = deploy()
    sent: list[bytes | None] = []
    for value, _ in INVALID.values():
        sent += [value, changed()]
    pipeline.put(*sent, key=b"A1")
    with pipeline.running("detector"):
        report = pipeline.wait_until_judged(len(sent))
    assert report.clean
    assert report.outcomes == {"legit": len(INVALID), "fraud": 0, "dead-letter": len(INVALID)}
    letters = pipeline.records(topics.TRANSACTIONS_DEAD_LETTER)
    for (case, (value, reason)), letter, offset in zip(INVALID.items(), letters, range(0, len(sent), 2), strict=True):
        headers = headers_of(letter)
        assert letter.value == value, case
        assert letter.key == b"A1", case
        assert headers["pipeline.reason"] == reason.encode(), case
        assert headers["pipeline.origin"] == headers["pipeline.source"] == b"0:%d" % offset, case
        assert headers["pipeline.service"] == b"detector", case


@on_both_paths
def test_a_tombstone_without_a_key_is_an_empty_letter(deploy: Callable[..., Deployment]) -> None:
    """Guard: the empty value in ``letter_of``; the client refuses a record that has neither key nor value."""
    pipeline = deploy()
    pipeline.put_tombstone()
    pipeline.put(changed())
    with pipeline.running("detector"):
        report = pipeline.wait_until_judged(2)
    assert report.outcomes == {"legit": 1, "fraud": 0, "dead-letter": 1}
    (letter,) = pipeline.records(topics.TRANSACTIONS_DEAD_LETTER)
    assert (letter.key, letter.value, headers_of(letter)["pipeline.reason"]) == (None, b"", b"tombstone")


def test_control_characters_reach_no_terminal(deploy: Callable[..., Deployment]) -> None:
    """Escape sequences and line ends in a field are printed as text, on the one line of their transaction."""
    pipeline = deploy()
    pipeline.put(changed(source="\x1b[2J\n[TRANSFER] forged", target="\u202eevil"))
    with pipeline.running("detector", "legit_processor") as printed:
        pipeline.wait_for_records(topics.LEGIT, 1)
        pipeline.wait_until_settled("legit_processor", 1)
    assert printed["legit_processor"].getvalue() == (
        "[TRANSFER] \\x1b[2J\\n[TRANSFER] forged -> \\u202eevil 231.67 EUR\n"
    )


@on_both_paths
def test_a_large_record_that_was_compressed_to_fit_is_a_truncated_letter(deploy: Callable[..., Deployment]) -> None:
    """5 MB packed into some kB pass the input's limit and could not be written on: the letter keeps their hash.

    Guard: ``Output._check``; without it, see ``test_without_the_guard_it_fails_every_transaction``.
    """
    pipeline = deploy()
    large = changed(padding="x" * 5_000_000)
    assert len(gzip.compress(large)) < 50_000
    pipeline.put(large, changed(), compression_type="gzip", max_request_size=10_000_000)
    with pipeline.running("detector"):
        report = pipeline.wait_until_judged(2)
    assert report.clean
    (letter,) = pipeline.records(topics.TRANSACTIONS_DEAD_LETTER)
    headers = headers_of(letter)
    assert headers["pipeline.reason"] == b"too-large"
    assert headers["pipeline.truncated"] == b"%d:%s" % (len(large), hashlib.sha256(large).hexdigest().encode())
    assert large.startswith(letter.value)


@on_both_paths
def test_a_large_key_that_was_compressed_to_fit_is_a_truncated_letter(deploy: Callable[..., Deployment]) -> None:
    """The same holds where the key is what is large."""
    pipeline = deploy()
    pipeline.put(changed(), key=b"k" * 3_000_000, compression_type="gzip", max_request_size=10_000_000)
    with pipeline.running("detector"):
        pipeline.wait_until_judged(1)
    (letter,) = pipeline.records(topics.TRANSACTIONS_DEAD_LETTER)
    assert headers_of(letter)["pipeline.reason"] == b"too-large"
    assert letter.value == changed()


@on_both_paths
def test_a_five_megabyte_record_passes_where_the_input_takes_it(deploy: Callable[..., Deployment]) -> None:
    """Outputs take what the input takes and 64 KiB more, so a topic for large records works by its own setting."""
    pipeline = deploy()
    pipeline.set_config(topics.TRANSACTIONS, {"max.message.bytes": "6000000"})
    pipeline.provision()
    large = changed(amount=950, padding="x" * 5_000_000)
    pipeline.put(large, max_request_size=10_000_000)
    with pipeline.running("detector"):
        (fraud,) = pipeline.wait_for_records(topics.FRAUD, 1)
    assert fraud.value.startswith(large[:-1])


@on_both_paths
def test_a_time_ahead_of_the_clock_is_brought_back(deploy: Callable[..., Deployment]) -> None:
    """A record two hours ahead, which brokers refuse by default, is written as of now, its own time in a header.

    Guard: the clamp in ``Output._write``; without it, see ``test_without_the_guard_it_fails_every_transaction``.
    """
    pipeline = deploy()
    pipeline.set_config(topics.TRANSACTIONS, {"message.timestamp.after.max.ms": str(10**15)})
    ahead = int(time.time() * 1000) + 2 * 3_600_000
    with pipeline.producer() as producer:
        producer.send(pipeline.name(topics.TRANSACTIONS), changed(), partition=0, timestamp_ms=ahead)
    with pipeline.running("detector"):
        (record,) = pipeline.wait_for_records(topics.LEGIT, 1)
    assert abs(record.timestamp - time.time() * 1000) < 60_000
    assert headers_of(record)["pipeline.timestamp"] == b"%d" % ahead


@on_both_paths
@pytest.mark.parametrize("error", ["MessageSizeTooLargeError", "InvalidTimestampError"])
def test_without_the_guard_it_fails_every_transaction(
    error: str, deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What the client says of such a record is an error like a broken connection's: it would be tried for ever."""
    monkeypatch.setattr(output.Output, "_check", lambda *_: None)
    monkeypatch.setattr(output, "LATEST_AHEAD_MS", 10**12)
    pipeline = deploy()
    pipeline.set_config(topics.TRANSACTIONS, {"message.timestamp.after.max.ms": str(10**15)})
    large, ahead = changed(padding="x" * 5_000_000), int(time.time() * 1000) + 2 * 3_600_000
    with pipeline.producer(compression_type="gzip", max_request_size=10_000_000) as producer:
        name = pipeline.name(topics.TRANSACTIONS)
        if error == "MessageSizeTooLargeError":
            producer.send(name, large, partition=0)
        else:
            producer.send(name, changed(), partition=0, timestamp_ms=ahead)
    with suppress(BrokerUnavailableError), pipeline.running("detector"):
        failed = f"a transaction failed, .* {error}"
        eventually(lambda: len(re.findall(failed, caplog.text)) >= 3, WITHIN, "three transactions to fail")
    assert pipeline.committed("detector") == {}


def test_what_cannot_be_settled_is_set_aside_with_its_coordinates(deploy: Callable[..., Deployment]) -> None:
    """A method that nobody can settle is told, and stands in the processor's dead letters with both coordinates."""
    pipeline = deploy(TRANSACTION_FORMAT="payment")
    payment = {"DATE": "11/22/2026", "TIME": "14:05:09", "PAYMENT_TYPE": "PAYPAL", "AMOUNT": 7, "TO": "mom"}
    pipeline.put(b"no payment", json.dumps(payment).encode())
    with pipeline.running("detector", "legit_processor") as printed:
        (letter,) = pipeline.wait_for_records(topics.LEGIT_DEAD_LETTER, 1)
    headers = headers_of(letter)
    assert headers["pipeline.reason"] == b"unsupported-method"
    assert headers["pipeline.origin"] == b"0:1"
    assert headers["pipeline.source"] == b"0:0"
    assert headers["pipeline.service"] == b"legit_processor"
    assert printed["legit_processor"].getvalue() == "[ALERT] unable to process PAYPAL payment to: mom - 7\n"


def test_what_did_not_pass_the_detector_is_not_settled(deploy: Callable[..., Deployment]) -> None:
    """A record that somebody writes to the legit topic by hand has no origin: a dead letter, not a settlement."""
    pipeline = deploy()
    with pipeline.producer() as producer:
        producer.send(pipeline.name(topics.LEGIT), changed())
    with pipeline.running("legit_processor") as printed:
        (letter,) = pipeline.wait_for_records(topics.LEGIT_DEAD_LETTER, 1)
    assert headers_of(letter)["pipeline.reason"] == b"no-origin"
    assert printed["legit_processor"].getvalue() == ""
