"""The handlers of the three services: what they write, and when they print."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from detector.handler import Detector
from detector.rules.loading import load_rules
from fraud_processor.handler import FraudProcessor
from legit_processor.handler import LegitProcessor
from pipeline.contracts import topics
from pipeline.contracts.codec import with_verdict
from pipeline.contracts.coordinates import Coordinates
from pipeline.contracts.hits import encode_hits
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.messages import Hit
from pipeline.runtime.lines import StagedLines
from tests.support import case_files
from tests.support.ledgers import opened
from tests.unit.samples import PAYMENTS, TRANSFERS, payment, record, transfer, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fraud_processor.cases.store import Cases
    from legit_processor.ledger.store import Ledger

RULES = load_rules("r", "rules: [{id: large-amount, when: amount >= 900, currency: any}]")
WEAK = load_rules(
    "r",
    "rules: [{id: large-amount, when: amount >= 900, currency: any, score: 60}, {id: b, when: 'true', mode: shadow}]",
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Provide an empty ledger."""
    with opened(tmp_path / "ledger.sqlite") as made:
        yield made


@pytest.fixture
def cases(tmp_path: Path) -> Iterator[Cases]:
    """Provide a database without cases."""
    with case_files.opened(f"sqlite:///{tmp_path / 'cases.sqlite'}") as engine:
        yield case_files.cases_in(engine)


def test_the_detector_passes_a_legitimate_record_on_as_it_is() -> None:
    """Without a value of its own, an outgoing record has the bytes that were read."""
    (outgoing,) = Detector(TRANSFERS, RULES).handle(record(transfer()))
    assert (outgoing.topic, outgoing.value, outgoing.headers) == (topics.LEGIT, None, ())
    assert "as it is" in repr(outgoing)


def test_the_detector_adds_its_verdict_to_a_fraud() -> None:
    """A fraudulent record has the bytes that were read and the verdict behind them."""
    value = transfer(amount=980.05)
    (outgoing,) = Detector(TRANSFERS, RULES).handle(record(value))
    judged = RULES.judge(TRANSFERS.read(record(value))).verdict
    assert judged is not None
    assert outgoing.topic is topics.FRAUD
    assert outgoing.value == with_verdict(value, judged)
    assert "new bytes" in repr(outgoing)


def test_hits_that_do_not_suffice_travel_in_a_header() -> None:
    """The bytes stay as they were read."""
    (outgoing,) = Detector(TRANSFERS, WEAK).handle(record(transfer(amount=980.05)))
    assert (outgoing.topic, outgoing.value) == (topics.LEGIT, None)
    assert outgoing.headers == (("pipeline.hits", f"{WEAK.version} large-amount=60:counted b=100:shadow".encode()),)


def test_the_header_of_hits_is_bounded() -> None:
    """However many rules hit, the record stays small, and says how many are left out."""
    hit = Hit(rule="r", severity="low", score=1, message="m", values={})
    assert encode_hits("v", [hit] * 60).endswith(b" r=1:counted +10")


def test_the_detector_refuses_what_it_cannot_read() -> None:
    """What is no transaction leaves as an error with its reason."""
    with pytest.raises(InvalidMessageError) as refused:
        Detector(TRANSFERS, RULES).handle(record(None))
    assert refused.value.reason == Reason.TOMBSTONE


def test_the_detector_remembers_nothing() -> None:
    """Neither outcome of a transaction changes what it does with the next."""
    detector = Detector(TRANSFERS, RULES)
    before = detector.handle(record(transfer()))
    detector.committed()
    detector.aborted()
    assert detector.handle(record(transfer())) == before


def test_lines_are_printed_once_they_are_committed(ledger: Ledger) -> None:
    """Nothing shows before the commit, everything once after it, in order."""
    stream = io.StringIO()
    processor = LegitProcessor(PAYMENTS, StagedLines(stream), ledger)
    for offset, target in enumerate(["mom", "dad"]):
        assert processor.handle(record(payment(TO=target), offset=offset, origin=Coordinates(3, offset))) == ()
    assert list(processor.refused()) == []
    assert stream.getvalue() == ""
    processor.committed()
    expected = "[VISA] payment to: mom - 12\n[VISA] payment to: dad - 12\n"
    assert stream.getvalue() == expected
    processor.committed()
    assert stream.getvalue() == expected


def test_lines_of_an_aborted_transaction_are_dropped(cases: Cases) -> None:
    """The same records come again: they are told once, when they are committed."""
    stream = io.StringIO()
    processor = FraudProcessor(TRANSFERS, StagedLines(stream), cases, lambda: None)
    fraud = record(transfer(verdict={"ruleset": "r", "score": 100, "hits": []}))
    processor.handle(fraud)
    processor.aborted()
    processor.committed()
    assert stream.getvalue() == ""
    processor.handle(fraud)
    processor.committed()
    assert stream.getvalue().count("\n") == 1


def test_what_cannot_be_settled_is_told_although_it_becomes_a_dead_letter(ledger: Ledger) -> None:
    """The letter and the line belong to the same transaction."""
    stream = io.StringIO()
    processor = LegitProcessor(PAYMENTS, StagedLines(stream), ledger)
    with pytest.raises(InvalidMessageError) as refused:
        processor.handle(record(payment(PAYMENT_TYPE="PAYPAL")))
    assert refused.value.reason == Reason.UNSUPPORTED_METHOD
    processor.committed()
    assert stream.getvalue() == "[ALERT] unable to process PAYPAL payment to: mom - 12\n"


def test_what_cannot_be_read_is_not_told(ledger: Ledger) -> None:
    """A record that is no transaction has nothing to tell."""
    stream = io.StringIO()
    processor = LegitProcessor(PAYMENTS, StagedLines(stream), ledger)
    with pytest.raises(InvalidMessageError):
        processor.handle(record(b"{}"))
    processor.committed()
    assert stream.getvalue() == ""


def test_a_fraud_is_told_with_the_verdict_it_came_with(cases: Cases) -> None:
    """The fraud processor judges nothing itself."""
    stream = io.StringIO()
    processor = FraudProcessor(TRANSFERS, StagedLines(stream), cases, lambda: None)
    processor.handle(record(with_verdict(transfer(amount=1.0), verdict())))
    processor.committed()
    assert stream.getvalue().endswith(" 1.00 EUR (large-amount: 980.05 >= 900)\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_stream_that_lacks_a_character_does_not_end_the_service(encoding: str) -> None:
    """Behind a pipe or in an old locale not every printable character can be written; lines are written all the same.

    Whoever sends a transaction chooses its characters: they must not decide whether a processor lives, nor whether
    the other lines of the batch are seen.
    """
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding, newline="\n")
    lines = StagedLines(stream)
    for line in ("[VISA] payment to: 엄마 - 12", "[VISA] payment to: mom - 12"):
        lines.add(line)
    lines.committed()
    shown = written.getvalue().splitlines()
    assert len(shown) == 2
    assert shown[1] == b"[VISA] payment to: mom - 12"
