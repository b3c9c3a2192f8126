"""Counts and sums that are compared with a constant: what is told early is what calculating would have told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from detector.rules.loading import load_rules
from detector.rules.windows import distinct, panes
from detector.rules.windows.distinct import HASHES, LONGEST, hashed, text_hash
from detector.rules.windows.engine import Windows
from tests.unit.test_windows_oracle import CONDITIONS, WIDTHS, entries, log_of

if TYPE_CHECKING:
    from detector.rules.ruleset import RuleSet
    from tests.unit.test_windows_oracle import Entry

LIMITS = ("-1", "0", "1", "1.5", "2", "3", "7", "11.11", "701", "1000000", "999999999999999.99", "1e15", "1e30")
OF = {"count": "", "count_distinct": "target, ", **{f"sum {one}": f"{one}, " for one in ("amount", "n", "n * 2 - 1")}}


def limited(function: str, width: str, where: str, sign: str, limit: str) -> tuple[str, str]:
    """Return a comparison of an aggregate, and the same with 0 added to it, for which it is always calculated."""
    told = f'{function.split(maxsplit=1)[0]}({OF[function]}"{width}"{where})'
    mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}[sign]
    return f"{told} {sign} {limit}", f"{limit} {mirrored} {told} + 0"


comparisons = st.builds(
    limited,
    st.sampled_from(list(OF)),
    st.sampled_from(list(WIDTHS)),
    st.sampled_from(("", "", *(f", where={one}" for one in CONDITIONS))),
    st.sampled_from(("<", "<=", ">", ">=")),
    st.sampled_from(LIMITS),
)


def rules_of(whens: list[str], newest: int) -> RuleSet:
    """Return one rule by source for each, which keep so many transactions one by one."""
    lines = ["members: {n: number, place: text, flag: truth}", "rules:"]
    for number, when in enumerate(whens):
        quoted = when.replace("'", "''")
        lines.append(f"  - {{id: rule-{number}, key: source, currency: any, when: '{quoted}'}}")
    loaded = load_rules("random.yaml", "\n".join(lines))
    loaded.stages[0].windows = Windows(loaded.stages[0].plan, newest)
    return loaded


def fired(loaded: RuleSet, entry: Entry) -> set[str]:
    """Return which rules fire."""
    judgement = loaded.judge(entry.transaction, entry.partition, entry.timestamp_ms)
    return {hit.rule for hit in (judgement.noted if judgement.verdict is None else judgement.verdict.hits)}


@settings(max_examples=150)
@given(
    pairs=st.lists(comparisons, min_size=1, max_size=4),
    drawn=st.lists(entries, min_size=1, max_size=24),
    ends=st.sets(st.integers(0, 23), max_size=6),
    newest=st.sampled_from((1, 2, 3, 1_024)),
    smallest=st.sampled_from((2, 3, 256)),
)
def test_what_is_told_early_is_what_counting_tells(
    pairs: list[tuple[str, str]], drawn: list[tuple[Any, ...]], ends: set[int], newest: int, smallest: int
) -> None:
    """The same rules fire and as many have no value, late or early, in panes or not, with batches undone in between."""
    check(pairs, drawn, ends, newest, smallest)


busy = st.tuples(
    *[
        st.just(0),
        st.sampled_from((0, 1, 500, 10**6, 10 * 10**6)),
        st.sampled_from((0, 0, 0, 1, 5 * 10**6, 2 * 10**10)),
    ],
    *[st.just(0), st.just("a"), st.sampled_from("ttuvw"), st.just("EUR"), st.sampled_from(("1.10", "5.01"))],
    *[st.sampled_from((1, -2, 7, None)), st.sampled_from(("x", "y")), st.booleans()],
)


@settings(max_examples=150)
@given(
    function=st.sampled_from(list(OF)),
    width=st.sampled_from(("1s", "90s", "1h")),
    where=st.sampled_from(("", ", where=flag", ", where=n > 0")),
    drawn=st.lists(busy, min_size=6, max_size=24),
    ends=st.sets(st.integers(0, 23), max_size=6),
    newest=st.sampled_from((1, 2, 3, 1_024)),
)
def test_limits_of_a_busy_account(  # noqa: PLR0913, PLR0917 (what was drawn)
    function: str, width: str, where: str, drawn: list[tuple[Any, ...]], ends: set[int], newest: int
) -> None:
    """Each number that may be the count or the sum is a limit, as well as what an estimate makes of it."""
    limits = range(0, 40, 3) if function.startswith("sum") else range(8)
    pairs = [limited(function, width, where, sign, str(limit)) for sign in (">", ">=") for limit in limits]
    check(pairs, drawn, ends, newest, smallest=2)


def check(
    pairs: list[tuple[str, str]], drawn: list[tuple[Any, ...]], ends: set[int], newest: int, smallest: int
) -> None:
    """Let both sides of each pair judge a log."""
    early, counting = (rules_of([pair[side] for pair in pairs], newest) for side in (0, 1))
    with patch.object(panes, "MOST", 3), patch.object(distinct, "SMALLEST", smallest):
        for number, entry in enumerate(log_of(drawn)):
            assert fired(early, entry) == fired(counting, entry), (pairs, entry)
            if number in ends:
                for loaded in (early, counting):
                    if number % 3:
                        loaded.committed()
                    else:
                        loaded.aborted()
    for loaded in (early, counting):
        loaded.committed()
    assert early.counts.total == counting.counts.total


def test_long_texts_are_not_kept_to_be_hashed_again() -> None:
    """A thousand members of a megabyte would be a gigabyte."""
    HASHES.clear()
    for length in (LONGEST, LONGEST + 1):
        assert text_hash("x" * length) == hashed("x" * length)
    assert list(HASHES) == ["x" * LONGEST]
