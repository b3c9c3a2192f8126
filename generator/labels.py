"""Labels: the truth about transactions that were made up, as it stands on the topic of labels. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from pipeline.contracts.moments import moment_of

ORIGIN: Final = "generator"


class Mark(NamedTuple):
    """What is known about a transaction before it has an id; see :class:`Label`. ``known_ms`` is simulated time."""

    kind: str
    fraud: bool
    decisive: bool
    case: str
    known_ms: int


class Label(msgspec.Struct, frozen=True):
    """The truth about one transaction.

    ``label_id`` is the same however often a label is written: of labels with one id, one counts. ``kind`` is the kind
    of fraud, or what a legitimate one looks like (``fraud`` is false then). ``case`` is shared by the transactions of
    one fraud, and ``decisive`` are those at which the condition of the kind holds. ``origin`` says who labelled it.
    Nobody may use a label for a decision about a moment before ``known_at``, which is on the clock of the
    transactions' own ``timestamp``.
    """

    label_id: str
    transaction_id: str
    kind: str
    fraud: bool
    decisive: bool
    case: str
    origin: str
    known_at: datetime

    @classmethod
    def of(cls, transaction_id: str, mark: Mark) -> Label:
        """Return the label of a transaction that we made up."""
        kind, fraud, decisive, case, known_ms = mark
        label_id = f"{ORIGIN}:{transaction_id}"
        return cls(label_id, transaction_id, kind, fraud, decisive, case, ORIGIN, moment_of(known_ms))


encoded: Final = msgspec.json.Encoder().encode
