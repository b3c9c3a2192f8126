"""The detector on a real Kafka: what comes in, and where it goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from tests.support.deployment import headers_of
from tests.support.parts import on_both_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.integration, on_both_paths]

OLD_CLIENT_TRANSFER = {"source": "A1", "target": "B2", "amount": 231.67, "currency": "EUR"}
OLD_CLIENT_FRAUD = {"source": "A1", "target": "B2", "amount": 980.05, "currency": "EUR"}
OLD_CLIENT_PAYMENT = {"DATE": "11/22/2026", "TIME": "14:05:09", "PAYMENT_TYPE": "VISA", "AMOUNT": 12, "TO": "mom"}


def test_an_old_client_gets_its_transfer_back_unchanged(deploy: Callable[..., Deployment]) -> None:
    """A bare transfer without key or id comes out byte for byte, on the right topic."""
    pipeline = deploy()
    sent = json.dumps(OLD_CLIENT_TRANSFER).encode()
    with pipeline.producer() as producer:
        producer.send(pipeline.name(topics.TRANSACTIONS), sent)
    with pipeline.running("detector"):
        (legit,) = pipeline.wait_for_records(topics.LEGIT, 1)
    assert legit.value == sent
    assert legit.key is None
    assert pipeline.records(topics.FRAUD) == []


def test_an_old_client_gets_its_fraud_back_with_a_verdict_behind_it(deploy: Callable[..., Deployment]) -> None:
    """A fraudulent record keeps every member it came with and gains a last one, the verdict."""
    pipeline = deploy()
    sent = json.dumps(OLD_CLIENT_FRAUD).encode()
    (metadata,) = pipeline.put(sent, key=b"A1")
    with pipeline.running("detector"):
        (fraud,) = pipeline.wait_for_records(topics.FRAUD, 1)
    members = json.loads(fraud.value)
    verdict = members.pop("verdict")
    assert members == OLD_CLIENT_FRAUD
    assert fraud.value.startswith(sent[:-1])
    assert fraud.key == b"A1"
    assert fraud.timestamp == metadata.timestamp
    assert verdict["score"] == 100
    assert verdict["hits"] == [
        {
            "rule": "large-amount",
            "severity": "high",
            "score": 100,
            "message": "980.05 >= 900",
            "values": {"amount": "980.05"},
            "passing_amount": "899.99",
        }
    ]


def test_an_old_client_gets_its_payment_back_unchanged(deploy: Callable[..., Deployment]) -> None:
    """The payment dialect passes in the same way, and a suspicious type goes to fraud."""
    pipeline = deploy(TRANSACTION_FORMAT="payment")
    legit_sent = json.dumps(OLD_CLIENT_PAYMENT).encode()
    fraud_sent = json.dumps(OLD_CLIENT_PAYMENT | {"PAYMENT_TYPE": "BITCOIN", "TO": "stranger"}).encode()
    pipeline.put(legit_sent, fraud_sent)
    with pipeline.running("detector", "fraud_processor") as printed:
        (legit,) = pipeline.wait_for_records(topics.LEGIT, 1)
        (fraud,) = pipeline.wait_for_records(topics.FRAUD, 1)
        pipeline.wait_until_settled("fraud_processor", 1)
    assert legit.value == legit_sent
    assert fraud.value.startswith(fraud_sent[:-1])
    assert printed["fraud_processor"].getvalue() == "[ALERT] fraud detected payment to: stranger - 12\n"


def test_the_order_of_a_partition_is_kept(deploy: Callable[..., Deployment]) -> None:
    """Records of one partition come out in their order and on the partition of the same number."""
    pipeline = deploy(partitions=3)
    with pipeline.producer() as producer:
        for number in range(300):
            value = json.dumps(OLD_CLIENT_TRANSFER | {"number": number}).encode()
            producer.send(pipeline.name(topics.TRANSACTIONS), value, partition=number % 3)
    with pipeline.running("detector"):
        records = pipeline.wait_for_records(topics.LEGIT, 300)
    for partition in range(3):
        numbers = [json.loads(record.value)["number"] for record in records if record.partition == partition]
        assert numbers == list(range(partition, 300, 3))


def test_every_record_says_where_it_entered(deploy: Callable[..., Deployment]) -> None:
    """The origin header names partition and offset in the input topic; a stranger's header stays beside it."""
    pipeline = deploy()
    with pipeline.producer() as producer:
        name = pipeline.name(topics.TRANSACTIONS)
        value = json.dumps(OLD_CLIENT_TRANSFER).encode()
        for _ in range(3):
            producer.send(name, value, partition=1, headers=[("traceparent", b"00-ab-cd-01")])
    with pipeline.running("detector"):
        records = pipeline.wait_for_records(topics.LEGIT, 3)
    assert [headers_of(record) for record in records] == [
        {"traceparent": b"00-ab-cd-01", "pipeline.origin": b"1:%d" % offset} for offset in range(3)
    ]


def test_forged_headers_are_dropped(deploy: Callable[..., Deployment]) -> None:
    """A header of ours that arrives from outside does not survive, so nobody can forge an origin."""
    pipeline = deploy()
    forged = [
        ("pipeline.origin", b"7:7"),
        ("pipeline.reason", b"none"),
        ("pipeline.anything", b"x"),
        ("other", b"kept"),
    ]
    with pipeline.producer() as producer:
        value = json.dumps(OLD_CLIENT_TRANSFER).encode()
        producer.send(pipeline.name(topics.TRANSACTIONS), value, partition=0, headers=forged)
    with pipeline.running("detector"):
        (record,) = pipeline.wait_for_records(topics.LEGIT, 1)
    assert headers_of(record) == {"other": b"kept", "pipeline.origin": b"0:0"}
