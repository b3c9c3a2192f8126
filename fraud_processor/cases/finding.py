"""Which case a fraud is in: by its transaction's id, or by where its record stands. It changes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from fraud_processor.cases.reading import Case, case_of
from pipeline.contracts.cases import ALERTS, CASES, LOGS, MARKS
from pipeline.runtime.database.names import MARK, stored

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

MOST: Final = 100  # alerts in one answer
_TOLD: Final = re.compile(f"{MARK}(?:[0-9a-f]{{2}})+")


@dataclass(frozen=True, slots=True)
class Found:
    """A fraud with its case; ``topic`` and ``place`` (partition and offset) are where its record stands."""

    topic: str
    place: str
    transaction_id: str
    case: Case


@dataclass(frozen=True, slots=True)
class Sought:
    """What is known of a record: whether the fraud processor has saved its partition that far, and what it found.

    One that was read and not found is in no case: it was refused, or taken up before there were cases.
    """

    read: bool
    found: Found | None


def of_transaction(connection: Connection, transaction_id: str, most: int = 50) -> list[Found]:
    """Return the alerts of an id, the latest first: whoever writes transactions may write one id twice.

    An id that no database takes as it is (:func:`~pipeline.runtime.database.names.stored`) may be given as it is told.
    """
    name = transaction_id if _TOLD.fullmatch(transaction_id) else stored(transaction_id)
    wanted = (
        _alerts()
        .where(ALERTS.c.transaction_id == name)
        .order_by(ALERTS.c.time.desc(), ALERTS.c.log.desc(), ALERTS.c.partition, ALERTS.c.offset)
        .limit(min(most, MOST))
    )
    return [_found(row) for row in connection.execute(wanted)]


def of_record(connection: Connection, topic: str, partition: int, offset: int) -> Sought:
    """Return what is known of a record.

    Where a topic was deleted and made anew, it is the one of the topic that was read last.
    """
    log = connection.execute(select(func.max(LOGS.c.id)).where(LOGS.c.topic == topic)).scalar_one()
    at = select(MARKS.c.at).where(MARKS.c.log == log, MARKS.c.partition == partition)
    mark: int | None = connection.execute(at).scalar_one_or_none()
    if mark is None or mark <= offset:
        return Sought(read=False, found=None)
    wanted = _alerts().where(ALERTS.c.log == log, ALERTS.c.partition == partition, ALERTS.c.offset == offset)
    row = connection.execute(wanted).first()
    return Sought(read=True, found=None if row is None else _found(row))


def _alerts() -> Select[Any]:
    columns = ALERTS.c
    joined = ALERTS.join(CASES, columns.case_id == CASES.c.id).join(LOGS, columns.log == LOGS.c.id)
    return select(CASES, LOGS.c.topic, columns.partition, columns.offset, columns.transaction_id).select_from(joined)


def _found(row: Row[Any]) -> Found:
    return Found(row.topic, f"{row.partition}:{row.offset}", row.transaction_id, case_of(row))
