"""How much the next transaction takes, by what the last ones took."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.runtime.transactional.batch_size import FIRST, BatchLimits, BatchSize

WIDE = BatchLimits(20_000, 10**9, 10.0)


def test_it_grows_only_while_all_that_was_asked_for_comes() -> None:
    """A quiet stream is not waited for, and a backlog is taken in ever larger parts, up to the limit."""
    size = BatchSize(WIDE)
    size.committed(FIRST - 1, 100, 0.001)
    assert size.records == FIRST
    seen = []
    for _ in range(7):
        size.committed(size.records, 100, 0.001)
        seen.append(size.records)
    assert seen == [1000, 2000, 4000, 8000, 16000, 20000, 20000]


def test_large_records_are_taken_in_smaller_parts() -> None:
    """About as many as their bytes allow, and at least one."""
    size = BatchSize(BatchLimits(20_000, 1_000_000, 10.0))
    size.committed(500, 10_000, 0.001)
    assert size.records == 100
    size.committed(100, 5_000_000, 0.001)
    assert size.records == 1


def test_slow_records_are_taken_in_smaller_parts() -> None:
    """About as many as their time allows: a transaction must not outlive the broker's patience."""
    size = BatchSize(BatchLimits(20_000, 10**9, 1.0))
    size.committed(500, 100, 5.0)
    assert size.records == 100


def test_what_failed_is_taken_by_halves_and_grows_again() -> None:
    """Down to one record, and up once it fits; a commit of positions alone teaches nothing."""
    size = BatchSize(WIDE)
    size.failed(0)
    assert size.records == FIRST
    for expected in (2, 1, 1):
        size.failed(min(5, size.records))
        assert size.records == expected
    size.committed(0, 0, 0)
    assert size.records == 1
    size.committed(1, 100, 0.001)
    assert size.records == 2


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10**6), st.floats(0, 10**9), st.floats(0, 10**6))))
def test_it_stays_within_its_limits(learned: list[tuple[bool, int, float, float]]) -> None:
    """Whatever it learns: at least one record, at most what is allowed."""
    size = BatchSize(WIDE)
    for fails, records, mean_bytes, seconds in learned:
        if fails:
            size.failed(min(records, size.records))
        else:
            size.committed(records, mean_bytes, seconds)
        assert 1 <= size.records <= WIDE.records
