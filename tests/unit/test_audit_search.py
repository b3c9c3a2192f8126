"""Finding where the outcomes of a stretch of input begin in an output."""

from __future__ import annotations

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from pipeline.operations.audit.search import Outcome, begin_of


@given(
    st.lists(st.none() | st.integers(0, 3), max_size=60),
    st.integers(0, 200),
    st.integers(0, 70),
    st.integers(0, 20),
)
def test_no_outcome_of_the_stretch_stands_before(steps: list[int | None], origin: int, start: int, close: int) -> None:
    """Gaps are markers, aborted records and what was sent again; what is left before the first is close enough."""
    log: list[int | None] = []
    last = 0
    for step in steps:
        last += step or 0
        log.append(None if step is None else last)
    start, end = min(start, len(log)), len(log)
    outcomes = [Outcome(offset, found) for offset, found in enumerate(log) if found is not None and offset >= start]

    def look(offset: int) -> Outcome | None:
        index = bisect_left(outcomes, (offset, -1))
        return outcomes[index] if index < len(outcomes) else None

    begin = begin_of(origin, start, end, look, close)
    first = next((outcome.offset for outcome in outcomes if outcome.origin >= origin), end)
    assert start <= begin <= first
    before = [outcome for outcome in outcomes if begin <= outcome.offset < first]
    assert len(before) <= max(close, 0)


def test_it_takes_few_looks() -> None:
    """Ten million outcomes are searched in less than twenty looks."""
    looks = []

    def look(offset: int) -> Outcome:
        looks.append(offset)
        return Outcome(offset, offset)

    assert 6_999_500 <= begin_of(7_000_000, 0, 10_000_000, look) <= 7_000_000
    assert len(looks) < 20
