"""Labels: what is known of transactions, as it stands on the topic of labels. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec


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


encoded: Final = msgspec.json.Encoder().encode
