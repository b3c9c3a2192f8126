"""What can be wrong with a message, as codes that stay the same for ever and a sentence for people."""

from __future__ import annotations

from enum import StrEnum

from pipeline.errors import PipelineError


class Reason(StrEnum):
    """Why a record became a dead letter. The values are written to topics: add, never rename."""

    TOMBSTONE = "tombstone"
    EMPTY = "empty"
    NOT_UTF8 = "not-utf-8"
    INVALID_JSON = "invalid-json"
    NOT_AN_OBJECT = "not-an-object"
    TOO_DEEP = "too-deep"
    REPEATED_MEMBER = "repeated-member"
    RESERVED_MEMBER = "reserved-member"
    MISSING_MEMBER = "missing-member"
    WRONG_TYPE = "wrong-type"
    INVALID_VALUE = "invalid-value"
    NEGATIVE_AMOUNT = "negative-amount"
    AMOUNT_TOO_LARGE = "amount-too-large"
    TOO_MANY_DECIMALS = "too-many-decimals"
    TOO_LARGE = "too-large"
    NO_ORIGIN = "no-origin"
    INVALID_VERDICT = "invalid-verdict"
    NO_HITS = "no-hits"
    UNSUPPORTED_METHOD = "unsupported-method"
    ID_CONFLICT = "id-conflict"
    SKIPPED = "skipped"


class InvalidMessageError(PipelineError):
    """The record at hand can never be handled: it belongs to the dead letters, and the next one goes on."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
