"""Values in sentences."""

from __future__ import annotations

import pytest

from detector.rules.expressions.kinds import US_PER, Kind
from detector.rules.showing import exact, readable

MS, S, D = US_PER["ms"], US_PER["s"], US_PER["d"]


@pytest.mark.parametrize(
    ("microseconds", "told", "exactly"),
    [
        (5_200_458_836 * MS, "60d 4h", "5200458836ms"),
        (21 * D, "21d", "3w"),
        (-90 * S, "-1m 30s", "-90s"),
        (D + 1, "1d", "86400000.001ms"),
        (1_001, "1ms", "1.001ms"),
        (7, "0.007ms", "0.007ms"),
        (0, "0s", "0s"),
    ],
)
def test_a_duration_in_a_sentence_has_its_two_largest_units(microseconds: int, told: str, exactly: str) -> None:
    """Nobody reads milliseconds of two months; among the values of a hit it stays exact."""
    assert readable(Kind.DURATION, microseconds) == told
    assert exact(Kind.DURATION, microseconds) == exactly
