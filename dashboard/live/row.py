"""A transaction as a line of the page. Pure: a record in, a row out.

Fields are whatever their sender likes. They are cut and told as text; the page never takes them for anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from pipeline.contracts import headers
from pipeline.contracts.display import printable
from pipeline.contracts.hits import standings_in
from pipeline.contracts.invalid import InvalidMessageError
from pipeline.contracts.messages import COUNTED

if TYPE_CHECKING:
    from pipeline.contracts.codec import Codec
    from pipeline.contracts.records import Record

LEGIT: Final = "legit"
FRAUD: Final = "fraud"
DEAD_LETTER: Final = "dead-letter"
BRANCHES: Final = (LEGIT, FRAUD, DEAD_LETTER)
MAX_FIELD: Final = 64  # characters
MAX_REASON: Final = 200
MAX_REASONS: Final = 5


class Reason(msgspec.Struct, frozen=True):
    """Why: a rule and its sentence, or the code of a dead letter and its detail."""

    rule: str
    message: str


class Row(msgspec.Struct, frozen=True):
    """One outcome. ``topic``, ``partition`` and ``offset`` are where it stands, ``at_ms`` is its record time.

    ``amount`` is exact text; fields are None where the record cannot be read. ``noted`` are rules that have hit beside
    those in ``reasons``, with how their hits count. ``ruleset`` is the version of the rules that a fraud was found by.
    """

    branch: str
    topic: str
    partition: int
    offset: int
    at_ms: int
    id: str | None = None
    source: str | None = None
    target: str | None = None
    amount: str | None = None
    currency: str | None = None
    method: str | None = None
    score: int | None = None
    reasons: list[Reason] = []
    noted: list[tuple[str, str]] = []
    ruleset: str | None = None


def row_of(record: Record, branch: str, codec: Codec) -> Row:
    """Return the row of a record of a branch, or of the input's dead letters."""
    place = (branch, record.topic, record.partition, record.offset, record.timestamp_ms)
    if branch == DEAD_LETTER:
        why, detail = (_text(headers.find(record.headers, kind)) for kind in (headers.REASON, headers.DETAIL))
        return Row(*place, reasons=[Reason(why, detail)])
    score, ruleset, reasons, noted = None, None, [], []
    try:
        if branch == FRAUD:
            transaction, verdict = codec.read_judged(record)
            counted = [hit for hit in verdict.hits if hit.standing == COUNTED]
            score, ruleset = verdict.score, printable(verdict.ruleset, MAX_FIELD)
            reasons = [
                Reason(printable(hit.rule, MAX_FIELD), printable(hit.message, MAX_REASON))
                for hit in counted[:MAX_REASONS]
            ]
            beside = [*counted[MAX_REASONS:], *(hit for hit in verdict.hits if hit.standing != COUNTED)]
            noted = [(printable(hit.rule, MAX_FIELD), hit.standing) for hit in beside]
        else:
            transaction = codec.read(record)
            if record.headers:
                hits = standings_in(headers.find(record.headers, headers.HITS))
                noted = [(printable(rule, MAX_FIELD), standing) for rule, standing in hits]
    except InvalidMessageError as error:
        return Row(*place, reasons=[Reason(str(error.reason), printable(error.detail, MAX_REASON))])
    return Row(
        *place,
        id=printable(transaction.id, MAX_FIELD),
        source=None if transaction.source is None else printable(transaction.source, MAX_FIELD),
        target=printable(transaction.target, MAX_FIELD),
        amount=format(transaction.amount, "f"),
        currency=transaction.currency,
        method=printable(transaction.method, MAX_FIELD),
        score=score,
        reasons=reasons,
        noted=noted,
        ruleset=ruleset,
    )


def _text(value: bytes | None) -> str:
    return printable((value or b"").decode(errors="backslashreplace"), MAX_REASON)
