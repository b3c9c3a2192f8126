"""SIGKILL of the detector and a processor at every step of the loop: the auditor decides."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import headers, topics
from tests.support.fault_point import POINTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.chaos

PAYMENT = '{"DATE":"11/22/2026","TIME":"14:05:09","PAYMENT_TYPE":"%s","AMOUNT":7,"TO":"mom"}'
ROUNDS = 1_200  # of four payments each: more than the armed services handle before they die
VALUES = [(PAYMENT % kind).encode() for kind in ("VISA", "BITCOIN", "PAYPAL")] + [b"no payment"]


def test_killed_at_every_step_nothing_is_lost_or_doubled(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """Each outcome once, and each dead letter of the processor once, after a kill at every step of both loops.

    Fails where the offsets are sent outside of the transaction.
    """
    # Three partitions for four kinds of values, so that each holds all of them.
    pipeline = deploy(partitions=3, TRANSACTION_FORMAT="payment")
    pipeline.put_many(VALUES * ROUNDS)
    for point in POINTS:
        victims = [
            pipeline.spawn("tests.support.fault_point", tmp_path / name, name, point)
            for name in ("detector", "legit_processor")
        ]
        for victim in victims:
            assert victim.wait(90) == -signal.SIGKILL, f"{point}: logs in {tmp_path}"
    with pipeline.running("detector", "legit_processor"):
        report = pipeline.wait_until_judged(len(VALUES) * ROUNDS)
        assert report.clean, report
        assert report.outcomes == {"legit": 2 * ROUNDS, "fraud": ROUNDS, "dead-letter": ROUNDS}
        pipeline.wait_until_settled("legit_processor", 2 * ROUNDS)
    origins = [
        headers.coordinates_in(letter.headers, headers.ORIGIN) for letter in pipeline.records(topics.LEGIT_DEAD_LETTER)
    ]
    assert len(origins) == len(set(origins)) == ROUNDS
