"""Queues the report of the day that was over last, once a day, for all outlets."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from fraud_processor.outbox import box
from fraud_processor.reports.day import day_before, day_of
from pipeline.contracts.moments import microseconds_of
from pipeline.runtime.database.engine import begun
from pipeline.runtime.transactional.effects import EffectsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, time

    from sqlalchemy import Engine

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 30.0


class Reporter:
    """Looks whether it is time; also for a report that was missed because nothing ran then."""

    def __init__(self, engine: Engine, outlets: Sequence[str], at: time) -> None:
        self._engine, self._outlets, self._at = engine, outlets, at
        self._queued: date | None = None

    def look(self) -> float:
        """See :class:`~fraud_processor.outbox.sender.Looks`."""
        now = _now()
        day = day_before(now)
        if day != self._queued and now.timetz() >= self._at:
            try:
                self._queue(day, now)
            except EffectsError as error:
                logger.warning("the report of %s has to wait: %s", day, error)
        return LOOK_SECONDS

    def _queue(self, day: date, now: datetime) -> None:
        with begun(self._engine, reading=True) as connection:
            report = day_of(connection, day)
        body = msgspec.json.encode(report).decode()
        with begun(self._engine) as connection:
            for outlet in self._outlets:
                box.queue_once(connection, outlet, report.id, body, microseconds_of(now))
        self._queued = day


def _now() -> datetime:
    return datetime.now(UTC)
