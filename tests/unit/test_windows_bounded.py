"""What rules remember is bounded: what goes is a function of the log, and no verdict lacks history without saying so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from detector.rules.loading import load_rules
from detector.rules.windows import distinct, kept, panes
from detector.rules.windows.engine import Windows
from detector.rules.windows.gate import Known, unwatched, watched
from detector.rules.windows.sizes import KEY_BYTES, series_bytes
from tests.unit.test_windows_oracle import Bounds, Judge, amounts, attempts, ends_of_batches, log_of, rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detector.rules.ruleset import RuleSet
    from detector.rules.windows.kept import Partition
    from tests.unit.test_windows_oracle import Entry, OneRule

DAY_US = 86_400 * 10**6
HOUR_US = DAY_US // 24
LOGS = [{"source", "target", "amount"}]
# Many accounts that come and go, some late, some far ahead of Kafka, some at a time.
records = st.tuples(
    *[st.just(0), st.sampled_from((0, 0, 1, 500, 10**6, 60 * 10**6, HOUR_US, DAY_US, 3 * DAY_US, 400 * DAY_US))],
    *[st.sampled_from((0, 0, 0, 1, 5 * 10**6, HOUR_US, 3 * HOUR_US)), st.sampled_from((0, 0, -3_600_000, 1_000))],
    *[st.sampled_from("aaabbcdef"), st.sampled_from("ttuv"), st.sampled_from(("EUR", "EUR", "JPY")), amounts],
    *[st.sampled_from((1, -2, 7, None)), st.sampled_from(("x", "y")), st.sampled_from((True, True, False))],
)
bounds_kept = st.builds(
    Bounds, st.just(HOUR_US), st.sampled_from((1, 2, 3, 1_024)), st.sampled_from((2, 128)), st.sampled_from((2, 256))
)
shares = st.sampled_from((1, 1_500, 2_500, 5_000, 9_000))
asked_rules = st.lists(rules, min_size=1, max_size=2)
logs = st.lists(records, min_size=4, max_size=30)


def engine(asked: list[OneRule], bounds: Bounds, share: int) -> RuleSet:
    """Return rules that have seen nothing, and may remember so many bytes of each partition."""
    declared = "members: {n: number, place: text, flag: truth}"
    text = "\n".join(["lateness: 1h", declared, "rules:", *(one.text(at) for at, one in enumerate(asked))])
    loaded = load_rules("random.yaml", text, logs=LOGS)
    loaded.stages[0].windows = Windows(loaded.stages[0].plan, bounds.newest)
    loaded.stages[0].windows.limit(share)
    return loaded


def verdict(loaded: RuleSet, entry: Entry) -> bytes:
    """Return all that is told of a record."""
    judgement = loaded.judge(entry.transaction, entry.partition, entry.timestamp_ms)
    return msgspec.json.encode([judgement.verdict, list(judgement.noted), judgement.caveats])


def one_by_one(asked: list[OneRule], bounds: Bounds, share: int, log: list[Entry]) -> list[bytes]:
    """Return what is told of each record, each a batch of its own."""
    loaded, found = engine(asked, bounds, share), []
    for entry in log:
        found.append(verdict(loaded, entry))
        loaded.committed()
        check_sizes(loaded)
    return found


def check_sizes(loaded: RuleSet) -> None:
    """Look whether what was counted step by step is what there is, and within the bound."""
    reach_us = loaded.reach_us + kept.KNOWN_US
    for held in loaded.stages[0].windows.partitions.values():
        counted = 0
        for kept_one in values_of(held):
            assert kept_one.size == sum(map(series_bytes, kept_one.series))
            if kept_one.seen_us >= held.newest_us - reach_us:
                counted += KEY_BYTES + kept_one.size
        # What is forgotten counts until something is evicted, whether its room was given back or not.
        assert counted <= held.size <= held.most


def values_of(held: Partition) -> Iterable[Any]:
    """Return all that is kept of values."""
    return (one for values in held.values for one in values.values())


@settings(max_examples=400)
@given(asked=asked_rules, drawn=logs, bounds=bounds_kept, share=shares)
def test_a_verdict_that_is_not_partial_is_what_the_whole_history_tells(
    asked: list[OneRule], drawn: list[tuple[Any, ...]], bounds: Bounds, share: int
) -> None:
    """The oracle reads all of the log for each record, and knows no bound."""
    log = log_of(drawn)
    with patch.object(panes, "MOST", bounds.panes), patch.object(distinct, "SMALLEST", bounds.smallest):
        loaded, judge = engine(asked, bounds, share), Judge(asked, bounds)
        unbounded = engine(asked, bounds, 1 << 62)
        for entry in log:
            expected, whole = judge.judge(entry), unbounded.judge(entry.transaction, 0, entry.timestamp_ms)
            judgement = loaded.judge(entry.transaction, entry.partition, entry.timestamp_ms)
            unbounded.committed()
            loaded.committed()
            if not judgement.caveats.partial:
                hits = judgement.noted if judgement.verdict is None else judgement.verdict.hits
                assert {hit.rule: hit.values for hit in hits} == expected
                assert judgement == whole


@settings(max_examples=300)
@given(
    asked=asked_rules,
    drawn=logs,
    bounds=bounds_kept,
    share=shares,
    ends=ends_of_batches,
    undone=attempts,
)
def test_verdicts_are_the_same_however_the_log_is_cut_into_batches(  # noqa: PLR0913, PLR0917 (what was drawn)
    asked: list[OneRule], drawn: list[tuple[Any, ...]], bounds: Bounds, share: int, ends: set[int], undone: list[int]
) -> None:
    """Also where batches are undone and come again; after each, all is within the bound."""
    log = log_of(drawn)
    with patch.object(panes, "MOST", bounds.panes), patch.object(distinct, "SMALLEST", bounds.smallest):
        expected = one_by_one(asked, bounds, share, log)
        loaded, begin = engine(asked, bounds, share), 0
        for end, attempt in zip(sorted({end for end in ends if end < len(log)} | {len(log)}), undone, strict=False):
            assert [verdict(loaded, entry) for entry in log[begin : begin + attempt]] == expected[begin:][:attempt]
            loaded.aborted()
            assert [verdict(loaded, entry) for entry in log[begin:end]] == expected[begin:end]
            loaded.committed()
            check_sizes(loaded)
            begin = end


@settings(max_examples=400)
@given(
    asked=asked_rules,
    drawn=logs,
    bounds=bounds_kept,
    share=shares,
    order=st.permutations(range(3)),
    turns=st.lists(st.integers(0, 2), min_size=30, max_size=30),
    begin=st.integers(0, 20),
    stretch=st.integers(1, 5),
)
def test_whoever_comes_back_by_a_snapshot_goes_on_as_one_that_was_never_gone(  # noqa: PLR0913, PLR0917 (what was drawn)
    asked: list[OneRule],
    drawn: list[tuple[Any, ...]],
    bounds: Bounds,
    share: int,
    order: list[int],
    turns: list[int],
    begin: int,
    stretch: int,
) -> None:
    """Its buckets are packed one by one while records come, and values go meanwhile; the log is read from its begin."""
    log = log_of(drawn)
    begin = min(begin, len(log) - 1)
    with (
        patch.object(panes, "MOST", bounds.panes),
        patch.object(distinct, "SMALLEST", bounds.smallest),
        patch.object(kept, "BUCKETS", 3),
    ):
        whole, left, chunks, opens = engine(asked, bounds, share), list(order), dict[int, bytes](), dict[int, int]()
        held, known, end, expected = whole.stages[0].windows.begun(0), Known(), len(log), []
        for offset, entry in enumerate(log):
            if offset == begin:
                known = watched(held)
            for _ in range(turns[offset] if offset >= begin else 0):
                if left and left[-1] in held.buckets:
                    chunks[left[-1]], opens[left[-1]] = whole.stages[0].windows.pack(0, left[-1]), offset
                left = left[:-1]
            if offset >= begin and not left and end == len(log):
                known, end = unwatched(held, known)._replace(opens=opens), offset
            expected.append(verdict(whole, entry))
            whole.committed()
        if end == len(log):
            for number in left:
                if number in held.buckets:
                    chunks[number], opens[number] = whole.stages[0].windows.pack(0, number), end
            known = unwatched(held, known)._replace(opens=opens)
        again = engine(asked, bounds, share)
        for number, chunk in chunks.items():
            again.stages[0].windows.unpack(0, number, chunk)
        again.committed()
        again.stages[0].windows.known(0, known)
        for offset in range(begin, end):
            again.observe(log[offset].transaction, 0, log[offset].timestamp_ms, offset=offset)
            if offset % stretch == 0:
                again.committed()
        again.committed()
        check_sizes(again)
        for entry, one in zip(log[end:], expected[end:], strict=True):
            assert verdict(again, entry) == one
            again.committed()


@settings(max_examples=150)
@given(asked=asked_rules, drawn=logs, bounds=bounds_kept, share=shares, start=st.integers(0, 20))
def test_whoever_has_read_less_of_the_log_differs_where_one_of_both_is_partial(
    asked: list[OneRule], drawn: list[tuple[Any, ...]], bounds: Bounds, share: int, start: int
) -> None:
    """Beginning later, as without a snapshot, it has evicted less or other values: it knows what it has read."""
    with patch.object(panes, "MOST", bounds.panes), patch.object(distinct, "SMALLEST", bounds.smallest):
        one, other = engine(asked, bounds, share), engine(asked, bounds, 5 * share)
        for entry in log_of(drawn):
            first = one.judge(entry.transaction, 0, entry.timestamp_ms)
            second = other.judge(entry.transaction, 0, entry.timestamp_ms)
            one.committed()
            other.committed()
            if not (first.caveats.partial or second.caveats.partial):
                assert first == second
