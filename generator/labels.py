"""Labels of transactions that were made up: the truth about them. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from pipeline.contracts.labels import Label
from pipeline.contracts.moments import moment_of

ORIGIN: Final = "generator"


class Mark(NamedTuple):
    """What is known about a transaction before it has an id; see :class:`Label`. ``known_ms`` is simulated time."""

    kind: str
    fraud: bool
    decisive: bool
    case: str
    known_ms: int


def label_of(transaction_id: str, mark: Mark) -> Label:
    """Return the label of a transaction that we made up."""
    kind, fraud, decisive, case, known_ms = mark
    label_id = f"{ORIGIN}:{transaction_id}"
    return Label(label_id, transaction_id, kind, fraud, decisive, case, ORIGIN, moment_of(known_ms))
