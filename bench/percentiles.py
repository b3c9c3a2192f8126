"""Percentiles by nearest rank: each is a latency that occurred. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
NS_PER_MS: Final = 1_000_000


def percentiles_ms(latencies_ns: Iterable[int]) -> dict[str, float]:
    """Return the percentiles in milliseconds, by name; none where there are no latencies."""
    ordered = sorted(latencies_ns)
    if not ordered:
        return {}
    # Rounded first: 0.999 * 1000 is a little more than 999.
    ranks = {name: max(1, math.ceil(round(share * len(ordered), 6))) for name, share in SHARES.items()}
    return {name: round(ordered[rank - 1] / NS_PER_MS, 3) for name, rank in ranks.items()}
