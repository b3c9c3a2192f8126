"""The breaker: when most of a long window is invalid, and never for a short run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.runtime.breaker import Breaker, BreakerTrippedError

BATCHES = st.lists(st.tuples(st.integers(1, 60), st.floats(0, 1)), max_size=60)


def trips(breaker: Breaker, records: int, invalid: int) -> bool:
    """Tell whether a batch would trip it."""
    try:
        breaker.check(records, invalid)
    except BreakerTrippedError:
        return True
    return False


@given(BATCHES)
def test_it_trips_exactly_where_a_full_window_is_half_invalid(batches: list[tuple[int, float]]) -> None:
    """By an oracle: the fewest latest batches with 100 records, half invalid; one that is all valid never trips it."""
    breaker, history = Breaker(window=100, share=0.5), list[tuple[int, int]]()
    for records, share in batches:
        invalid = int(records * share)
        latest = [*history, (records, invalid)]
        while sum(r for r, _ in latest[1:]) >= 100:
            latest.pop(0)
        total, bad = sum(r for r, _ in latest), sum(i for _, i in latest)
        expected = invalid > 0 and bad >= 0.5 * max(total, 100)
        assert trips(breaker, records, invalid) is expected
        if not expected:
            breaker.committed(records, invalid)
            history.append((records, invalid))


def test_a_short_run_of_bad_records_never_trips_it() -> None:
    """The first 4,999 of 10,000 may all be invalid."""
    breaker = Breaker()
    assert not trips(breaker, 4_999, 4_999)
    assert trips(breaker, 5_000, 5_000)


def test_the_error_says_how_many() -> None:
    """Whoever reads it knows how bad it is."""
    with pytest.raises(BreakerTrippedError, match="6000 of the last 6000 records are invalid"):
        Breaker().check(6_000, 6_000)


def test_after_a_reset_a_whole_window_passes() -> None:
    """A person who accepts the bad records is not asked again for the same ones, and is for others behind them."""
    breaker = Breaker(window=10)
    assert trips(breaker, 8, 8)
    breaker.reset()
    assert not trips(breaker, 8, 8)
    breaker.committed(8, 8)
    assert not trips(breaker, 8, 8)
    breaker.committed(8, 8)
    assert trips(breaker, 8, 8)
