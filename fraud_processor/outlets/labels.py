"""Labels of the transactions of a case that somebody has resolved.

Of labels with one id, one counts: whoever reads them keeps the first.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import select

from fraud_processor.cases.reading import moment
from fraud_processor.outlets.records import Sent
from pipeline.contracts.cases import ALERTS
from pipeline.contracts.labels import Label
from pipeline.runtime.database.names import restored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

ORIGIN: Final = "analyst"


def labels(connection: Connection, said: dict[str, Any]) -> Iterator[Sent]:
    """Yield a label for each transaction of a case; see :class:`~fraud_processor.outlets.records.Records`."""
    wanted = select(ALERTS.c.transaction_id).where(ALERTS.c.case_id == said["case"]).distinct()
    for name in connection.execute(wanted).scalars():
        yield _record(restored(name), said)


def _record(transaction_id: str, said: dict[str, Any]) -> Sent:
    case, fraud = f"case-{said['case']}", bool(said["fraud"])
    label = Label(
        label_id=f"{ORIGIN}:{case}:{transaction_id}",
        transaction_id=transaction_id,
        kind="confirmed" if fraud else "false-alarm",
        fraud=fraud,
        decisive=True,
        case=case,
        origin=ORIGIN,
        known_at=moment(said["known_us"]),
    )
    # An id may be any text, also what is no Unicode: escaped it can be written.
    value = json.dumps(msgspec.to_builtins(label), separators=(",", ":"))
    return Sent(transaction_id.encode(errors="surrogatepass"), value.encode())
