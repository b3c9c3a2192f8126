"""Payments of a false alarm, on their way to be settled after all.

They go to the legit topic, as they entered, so that whoever settles does so. One that is written twice is one payment:
it has the same id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from fraud_processor.outlets.records import Sent
from pipeline.contracts import headers
from pipeline.contracts.cases import ALERTS
from pipeline.contracts.codec import without_verdict
from pipeline.runtime.clock import now_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


def released(connection: Connection, said: dict[str, Any]) -> Iterator[Sent]:
    """Yield the transactions of a case; see :class:`~fraud_processor.outlets.records.Records`."""
    wanted = select(ALERTS).where(ALERTS.c.case_id == said["case"])
    ordered = wanted.order_by(ALERTS.c.log, ALERTS.c.partition, ALERTS.c.offset)
    for row in connection.execute(ordered):
        place = f"{row.partition}:{row.offset}".encode()
        told = [(headers.ORIGIN.name, row.origin.encode()), (headers.RELEASED.name, place)]
        time_ms: int | None = row.record_ms
        if not 0 <= row.record_ms <= now_ms():  # the broker would refuse it
            told.append((headers.TIMESTAMP.name, str(row.record_ms).encode()))
            time_ms = None
        key = None if row.key is None else bytes(row.key)
        yield Sent(key, without_verdict(bytes(row.content)), told, row.partition, time_ms)
