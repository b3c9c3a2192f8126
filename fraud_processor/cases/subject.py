"""Whom a fraud is about. Pure."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from pipeline.contracts.messages import COUNTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.contracts.messages import Transaction, Verdict

SEVERITIES: Final = ("low", "medium", "high", "critical")
_RANKS: Final = {severity: rank for rank, severity in enumerate(SEVERITIES)}
_encode: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
UNKNOWN_SEVERITY: Final = SEVERITIES.index("medium")  # of rules by a newer version


def subject_of(transaction: Transaction, verdict: Verdict) -> str:
    """Return the subject as JSON: by whom the rule goes whose hit has the highest score, the first of several.

    Where that goes by nobody, it is the source; of a payment without one the target.
    """
    counted = [hit for hit in verdict.hits if hit.standing == COUNTED]
    worst = max(counted, key=lambda hit: hit.score, default=None)
    if worst is not None and worst.key:
        return subject_text(worst.key)
    if transaction.source is None:
        return subject_text({"target": transaction.target})
    return subject_text({"source": transaction.source})


def subject_text(key: Mapping[str, str]) -> str:
    """Return the one text of a subject: ASCII, whatever a name is made of, so any database takes it."""
    return _encode(key)


def subject_hash(subject: str) -> bytes:
    """Return what a subject is found by: a name may be longer than an index takes."""
    return blake2b(subject.encode(), digest_size=16).digest()


def severity_of(verdict: Verdict) -> int:
    """Return the place among ``SEVERITIES`` of the worst hit that counts."""
    return max((_rank(hit.severity) for hit in verdict.hits if hit.standing == COUNTED), default=UNKNOWN_SEVERITY)


def _rank(severity: str) -> int:
    return _RANKS.get(severity, UNKNOWN_SEVERITY)
