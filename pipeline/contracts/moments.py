"""Points in time: milliseconds since 1970 on the wire, aware UTC datetimes inside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS: Final = 86_400
_SECOND_US: Final = 1_000_000
_LAST_MS: Final = (datetime(9999, 12, 31, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)


def moment_of(timestamp_ms: int) -> datetime:
    """Return the UTC moment of a record time; what no datetime can hold is brought to the nearest it can."""
    return EPOCH + timedelta(milliseconds=min(max(timestamp_ms, 0), _LAST_MS))


def milliseconds_of(moment: datetime) -> int:
    """Return an aware moment as a record time, rounded up to the millisecond; before 1970 it is negative."""
    return -((EPOCH - moment) // timedelta(milliseconds=1))


def microseconds_of(moment: datetime) -> int:
    """Return an aware moment in microseconds since 1970, exactly; before 1970 it is negative."""
    since = moment - EPOCH
    return (since.days * _DAY_SECONDS + since.seconds) * _SECOND_US + since.microseconds
