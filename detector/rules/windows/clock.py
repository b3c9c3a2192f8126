"""The clock of a key: the greatest time of its transactions, which no single one moves too far."""

from __future__ import annotations

from typing import Final

UNSET: Final = -(1 << 63)  # before the first transaction


def moved(clock_us: int, time_us: int, record_us: int, lateness_us: int) -> int:
    """Return the clock after a transaction, all in microseconds since 1970.

    It moves on to the transaction's time, but by at most the lateness beyond the greater of itself and the record's
    time in Kafka.
    """
    if time_us <= clock_us:
        return clock_us
    return min(time_us, max(clock_us, record_us) + lateness_us)
