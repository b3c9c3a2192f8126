"""A fraud, as it is kept. Pure: a record with its transaction and verdict in, what a database takes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fraud_processor.cases.subject import severity_of, subject_of
from pipeline.contracts.messages import COUNTED
from pipeline.contracts.moments import microseconds_of
from pipeline.contracts.tracecontext import context_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.contracts.messages import Transaction, Verdict
    from pipeline.contracts.records import Record


class RuleHit(NamedTuple):
    """A rule that hit; ``counted`` where that had a part in the verdict."""

    rule: str
    score: int
    counted: bool


class Alert(NamedTuple):
    """One fraud. ``time_us`` is the transaction's own in microseconds since 1970, ``amount`` exact text.

    ``content``, ``key`` and ``record_ms`` are the record's; ``origin`` is where the transaction entered, ``trace`` the
    one that it is a part of.
    """

    partition: int
    offset: int
    subject: str
    transaction_id: str
    source: str | None
    target: str
    amount: str
    currency: str
    time_us: int
    severity: int
    score: int
    hits: Sequence[RuleHit]
    content: bytes
    key: bytes | None = None
    record_ms: int = 0
    origin: str = ""
    trace: str | None = None


def alert_of(record: Record, transaction: Transaction, verdict: Verdict) -> Alert:
    """Return the alert of a record of the fraud topic."""
    trace = context_in(record.headers)
    return Alert(
        partition=record.partition,
        offset=record.offset,
        subject=subject_of(transaction, verdict),
        transaction_id=transaction.id,
        source=transaction.source,
        target=transaction.target,
        amount=format(transaction.amount, "f"),
        currency=transaction.currency,
        time_us=microseconds_of(transaction.timestamp),
        severity=severity_of(verdict),
        score=verdict.score,
        hits=[RuleHit(hit.rule, hit.score, hit.standing == COUNTED) for hit in verdict.hits],
        content=bytes(record.value or b""),
        key=None if record.key is None else bytes(record.key),
        record_ms=record.timestamp_ms,
        origin=str(record.origin),
        trace=None if trace is None else trace.encode(),
    )
