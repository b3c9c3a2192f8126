"""Whom a fraud is about, and which alerts are of one case."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_processor.cases.alert import Alert, alert_of
from fraud_processor.cases.gathering import Case, gather
from fraud_processor.cases.subject import SEVERITIES, severity_of, subject_hash, subject_of, subject_text
from pipeline.contracts.messages import EXEMPT, SHADOW, Hit, Verdict
from tests.unit.samples import TRANSFERS, record, transaction, transfer

SOURCE = transaction().source


def hit(rule: str = "r", score: int = 100, **changes: object) -> Hit:
    """Return a hit."""
    members = {"severity": "high", "message": "m", "values": {}, **changes}
    return Hit(rule=rule, score=score, **members)  # type: ignore[arg-type]


def judged(*hits: Hit) -> Verdict:
    """Return a verdict."""
    return Verdict(ruleset="v", score=sum(one.score for one in hits), hits=list(hits))


def test_a_case_is_about_whom_the_worst_rule_goes_by() -> None:
    """The first of those with the highest score; what did not count says nothing."""
    hits = [
        hit("weak", 10, key={"source": "A"}),
        hit("worst", 90, key={"target": "B"}),
        hit("as-bad", 90, key={"source": "A"}),
        hit("tried", 900, key={"source": "X"}, standing=SHADOW),
        hit("exempt", 900, key={"source": "X"}, standing=EXEMPT),
    ]
    assert subject_of(transaction(), judged(*hits)) == '{"target":"B"}'


def test_a_rule_without_a_key_is_about_the_source_else_the_target() -> None:
    """The account whose order is kept."""
    assert subject_of(transaction(), judged(hit())) == subject_text({"source": SOURCE or ""})
    assert subject_of(transaction(source=None, target="mom"), judged(hit())) == '{"target":"mom"}'
    assert subject_of(transaction(), judged()) == subject_text({"source": SOURCE or ""})


def test_subjects_are_alike_whatever_the_order_of_their_names() -> None:
    """And any text can be one: lone surrogates, zero bytes, any length."""
    assert subject_text({"b": "1", "a": "2"}) == subject_text({"a": "2", "b": "1"}) == '{"a":"2","b":"1"}'
    strange = subject_text({"member": "\ud800\0\u202e" * 5000})
    assert strange.isascii()
    assert "\0" not in strange
    assert len(subject_hash(strange)) == 16


def test_a_case_is_as_bad_as_its_worst_hit_that_counts() -> None:
    """What a newer version calls its severities is taken for medium."""
    hits = [hit(severity="low"), hit(severity="critical", standing=SHADOW), hit(severity="high")]
    assert SEVERITIES[severity_of(judged(*hits))] == "high"
    assert SEVERITIES[severity_of(judged(hit(severity="apocalyptic")))] == "medium"
    assert SEVERITIES[severity_of(judged())] == "medium"


def test_an_alert_keeps_the_record_byte_for_byte() -> None:
    """With the amount as exact text, and all hits."""
    value = transfer(amount=1e6)
    read = record(value, partition=3, offset=7)
    found = alert_of(read, TRANSFERS.read(read), judged(hit("a", 60), hit("b", 50, standing=SHADOW)))
    assert (found.partition, found.offset, found.content, found.amount) == (3, 7, value, "1000000.00")
    assert [tuple(one) for one in found.hits] == [("a", 60, True), ("b", 50, False)]
    assert Decimal(found.amount) == Decimal(10**6)


def alert(time_us: int, severity: int = 1, score: int = 100) -> Alert:
    """Return an alert of a time."""
    return Alert(0, 0, "{}", "t", "A", "B", "1.00", "EUR", time_us, severity, score, [], b"{}")


@given(
    st.none() | st.tuples(st.integers(1, 5), st.integers(0, 3), st.integers(0, 99), st.integers(0, 50)),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3), st.integers(0, 99))),
    st.integers(1, 60),
)
def test_alerts_gather_as_the_document_says(
    before: tuple[int, int, int, int] | None, told: list[tuple[int, int, int]], window_us: int
) -> None:
    """Against counting by hand: one joins unless it is later than all of the case by more than the window."""
    case = None if before is None else Case(*before[:3], before[3], before[3])
    alerts = [alert(*one) for one in told]
    expected: list[list[int]] = [] if before is None else [[before[3]]]
    for time_us, *_ in told:
        if expected and time_us <= max(expected[-1]) + window_us:
            expected[-1].append(time_us)
        else:
            expected.append([time_us])
    found = gather(case, alerts, window_us)
    assert [(one.case.first_us, one.case.last_us) for one in found] == [(min(times), max(times)) for times in expected]
    assert [one for gathered in found for one in gathered.new] == alerts
    assert sum(one.case.alerts for one in found) == len(alerts) + (0 if before is None else before[0])
    for number, one in enumerate(found):
        scores = [new.score for new in one.new] + ([before[2]] if before is not None and number == 0 else [])
        severities = [new.severity for new in one.new] + ([before[1]] if before is not None and number == 0 else [])
        assert (one.case.score, one.case.severity) == (max(scores), max(severities))


@pytest.mark.parametrize(("gap_us", "cases"), [(60, 1), (61, 2)])
def test_the_window_is_counted_from_the_last_alert(gap_us: int, cases: int) -> None:
    """One that is exactly as late still joins."""
    assert len(gather(None, [alert(0), alert(30), alert(30 + gap_us)], 60)) == cases
