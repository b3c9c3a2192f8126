"""What rules remember is bounded: what goes is a function of the log, and what may lack history says so."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
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
from detector.rules.windows.sizes import CELL_BYTES, KEY_BYTES, SERIES_BYTES, series_bytes
from tests.unit.test_windows_oracle import BEGIN, Entry, Judge, amounts, attempts, ends_of_batches, log_of, rules
from tests.unit.windows_oracle import Bounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detector.rules.ruleset import RuleSet
    from detector.rules.windows.kept import Partition
    from tests.unit.test_windows_oracle import OneRule

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


@contextmanager
def few_things(bounds: Bounds) -> Iterator[None]:
    """Let engines keep as few panes and hashes as were drawn."""
    with patch.object(panes, "MOST", bounds.panes), patch.object(distinct, "SMALLEST", bounds.smallest):
        yield


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
    with few_things(bounds):
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
    with few_things(bounds):
        expected = one_by_one(asked, bounds, share, log)
        loaded, begin = engine(asked, bounds, share), 0
        for end, attempt in zip(sorted({end for end in ends if end < len(log)} | {len(log)}), undone, strict=False):
            assert [verdict(loaded, entry) for entry in log[begin : begin + attempt]] == expected[begin:][:attempt]
            loaded.aborted()
            assert [verdict(loaded, entry) for entry in log[begin:end]] == expected[begin:end]
            loaded.committed()
            check_sizes(loaded)
            begin = end


class Packing:
    """Packs three buckets of an engine one by one, some at each record from one on, and tells what is known then."""

    def __init__(self, loaded: RuleSet, order: list[int], begin: int) -> None:
        self.windows = loaded.stages[0].windows
        self.held = self.windows.begun(0)
        self.chunks: dict[int, bytes] = {}
        self.known = Known()
        self.end: int | None = None
        self._opens: dict[int, int] = {}
        self._left = list(order)
        self._begin = begin

    def rest(self, offset: int, turns: int) -> None:
        """Pack so many buckets below an offset; with the last one, it is whole."""
        if offset < self._begin or self.end is not None:
            return
        if offset == self._begin:
            self.known = watched(self.held)
        for _ in range(min(turns, len(self._left))):
            number = self._left.pop()
            if number in self.held.buckets:
                self.chunks[number], self._opens[number] = self.windows.pack(0, number), offset
        if not self._left:
            self.known = unwatched(self.held, self.known)._replace(opens=self._opens)
            self.end = offset

    def restored(self, loaded: RuleSet) -> RuleSet:
        """Let another engine know it."""
        windows = loaded.stages[0].windows
        for number, chunk in self.chunks.items():
            windows.unpack(0, number, chunk)
        loaded.committed()
        windows.known(0, self.known)
        return loaded


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
    begin = min(begin, len(log))
    with few_things(bounds), patch.object(kept, "BUCKETS", 3):
        whole, expected = engine(asked, bounds, share), []
        packing = Packing(whole, order, begin)
        for offset, entry in enumerate(log):
            packing.rest(offset, turns[offset])
            expected.append(verdict(whole, entry))
            whole.committed()
        packing.rest(len(log), 3)
        again, end = packing.restored(engine(asked, bounds, share)), packing.end or 0
        for offset in range(begin, end):
            again.observe(log[offset].transaction, 0, log[offset].timestamp_ms, offset=offset)
            if offset % stretch == 0:
                again.committed()
        again.committed()
        check_sizes(again)
        assert again_as_expected(again, log[end:], expected[end:])


def again_as_expected(loaded: RuleSet, log: list[Entry], expected: list[bytes]) -> bool:
    """Tell whether each record is judged so, each in a batch of its own."""
    for entry, one in zip(log, expected, strict=True):
        if verdict(loaded, entry) != one:
            return False
        loaded.committed()
    return True


@settings(max_examples=100)
@given(asked=asked_rules, drawn=logs, bounds=bounds_kept, share=shares, less=shares, cut=st.integers(0, 20))
def test_whoever_comes_back_with_less_room_lets_values_go_at_once(  # noqa: PLR0913, PLR0917 (what was drawn)
    asked: list[OneRule], drawn: list[tuple[Any, ...]], bounds: Bounds, share: int, less: int, cut: int
) -> None:
    """What a snapshot holds may be more than there is room for now: after the first batch it is within the bound."""
    log = log_of(drawn)
    with few_things(bounds), patch.object(kept, "BUCKETS", 3):
        whole = engine(asked, bounds, share)
        packing = Packing(whole, [0, 1, 2], min(cut, len(log)))
        for entry in log[:cut]:
            verdict(whole, entry)
            whole.committed()
        packing.rest(min(cut, len(log)), 3)
        again = packing.restored(engine(asked, bounds, min(share, less)))
        again.committed()
        check_sizes(again)
        went_at_once = engine(asked, bounds, share)
        for entry in log[:cut]:
            verdict(went_at_once, entry)
            went_at_once.committed()
        went_at_once.stages[0].windows.limit(min(share, less))
        went_at_once.committed()
        for entry in log[cut:]:
            assert verdict(again, entry) == verdict(went_at_once, entry)
            went_at_once.committed()
            again.committed()


@settings(max_examples=150)
@given(asked=asked_rules, drawn=logs, bounds=bounds_kept, share=shares, times=st.integers(2, 6))
def test_two_that_had_other_room_differ_where_one_of_both_is_partial(
    asked: list[OneRule], drawn: list[tuple[Any, ...]], bounds: Bounds, share: int, times: int
) -> None:
    """Whoever has read the log from a later record has had more room: what is marked by none is the same."""
    with few_things(bounds):
        one, other = engine(asked, bounds, share), engine(asked, bounds, times * share)
        for entry in log_of(drawn):
            first = one.judge(entry.transaction, 0, entry.timestamp_ms)
            second = other.judge(entry.transaction, 0, entry.timestamp_ms)
            one.committed()
            other.committed()
            assert first == second or first.caveats.partial or second.caveats.partial


RULES = """
lateness: 1m
rules: [{id: many, key: source, window: 1h, currency: any, when: count() >= 2}]
"""


def paid(source: str, minute: int) -> Entry:
    """Return a payment of an account, so many minutes after the first."""
    (entry,) = log_of([(0, 0, 0, 0, source, "t", "EUR", "1.10", 1, "x", True)])
    transaction = replace(entry.transaction, timestamp=BEGIN + timedelta(minutes=minute))
    return Entry(0, entry.timestamp_ms + minute * 60_000, transaction)


def partial(loaded: RuleSet, *payments: tuple[str, int]) -> list[bool]:
    """Return whether each verdict may lack history."""
    found = []
    for one in payments:
        entry = paid(*one)
        found.append(loaded.judge(entry.transaction, 0, entry.timestamp_ms).caveats.partial)
        loaded.committed()
    return found


def test_a_mark_ends_when_no_window_reaches_what_was_lost() -> None:
    """Who comes back after that is judged as anybody, and so is who was never gone."""
    with patch.object(kept, "BUCKETS", 1):
        loaded = load_rules("r.yaml", RULES)
        one = KEY_BYTES + SERIES_BYTES + CELL_BYTES
        loaded.stages[0].windows.limit(one * 3)
        assert partial(loaded, ("a", 0), ("b", 1), ("c", 2)) == [False] * 3
        # The fourth is one too many: the first goes, and to be an eighth below the bound, the second.
        assert partial(loaded, ("d", 3), ("c", 4)) == [False, False]
        held = loaded.stages[0].windows.partitions[0]
        assert set(held.values[0]) == {"c", "d"}
        assert held.evicted == 2
        # Until a minute and an hour, and a 64th more of it, are over since the second.
        assert partial(loaded, ("a", 5), ("a", 61), ("a", 63), ("a", 64)) == [True, True, False, False]


def test_nothing_is_marked_where_nothing_went() -> None:
    """However much is remembered, without a bound."""
    loaded = load_rules("r.yaml", RULES)
    assert not any(partial(loaded, *((f"a{number}", number // 10) for number in range(300))))


def test_a_key_that_takes_more_than_there_is_goes_with_all_others() -> None:
    """It is judged, and remembered by nobody."""
    loaded = load_rules("r.yaml", RULES)
    loaded.stages[0].windows.limit(KEY_BYTES)
    assert partial(loaded, ("a", 0), ("a", 1)) == [False, True]
    assert loaded.stages[0].windows.size == loaded.stages[0].windows.values == 0


def test_a_snapshot_whose_log_was_cut_behind_it_is_used_as_it_is() -> None:
    """What it would have to be told by records that are gone is made good once the rest was read."""
    loaded, again = load_rules("r.yaml", RULES), load_rules("r.yaml", RULES)
    windows = loaded.stages[0].windows
    with patch.object(kept, "BUCKETS", 1):
        windows.limit(3 * (KEY_BYTES + SERIES_BYTES + CELL_BYTES))
        assert not any(partial(loaded, ("a", 0), ("b", 1), ("c", 2)))
        known = watched(windows.partitions[0])
        chunk = windows.pack(0, 0)
        partial(loaded, ("d", 3), ("e", 4))
        known = unwatched(windows.partitions[0], known)
        assert len(known.evictions) == 1
        again.stages[0].windows.limit(windows.partitions[0].most)
        again.stages[0].windows.unpack(0, 0, chunk)
        again.committed()
        again.stages[0].windows.known(0, known)
        again.committed()
        held = again.stages[0].windows.partitions[0]
        assert set(held.values[0]) == {"a", "b", "c"}
        again.stages[0].windows.open(0)
        assert set(held.values[0]) == {"c"}
        assert (held.gate, held.size) == (None, known.size)
        assert partial(again, ("a", 5)) == [True]


AHEAD = 'lateness: 1m\nrules: [{id: many, key: source, window: 1s, currency: any, when: "count() >= 1"}]'


def test_a_clock_that_ran_ahead_and_was_lost_is_kept_in_mind() -> None:
    """A transaction may be late by the clock that is gone, and no window need reach back to what is gone for that."""
    with patch.object(kept, "BUCKETS", 1):
        bounded, whole = load_rules("r.yaml", AHEAD), load_rules("r.yaml", AHEAD)
        bounded.stages[0].windows.limit(4_000)

        def judged(source: str, minutes: float, record_minute: int = 0) -> tuple[bool, bool]:
            entry = paid(source, 0)
            at = replace(entry.transaction, timestamp=BEGIN + timedelta(minutes=minutes))
            record_ms = entry.timestamp_ms + record_minute * 60_000
            found, expected = (one.judge(at, 0, record_ms).caveats for one in (bounded, whole))
            assert found.partial or found == expected
            for one in (bounded, whole):
                one.committed()
            return found.partial, expected.late

        judged("a", 10)
        for number in range(4):
            judged(f"b{number}", 0)
        assert "a" not in bounded.stages[0].windows.partitions[0].values[0]
        for jump in range(12):
            judged("a", 20 + jump)
        assert judged("a", 11.5) == (True, True)
        # Once its clock is where it would be in any case, nothing is left to doubt.
        assert judged("a", 40, 40) == (False, False)
        assert judged("a", 40, 40) == (False, False)
        held = bounded.stages[0].windows.partitions[0].values[0]["a"]
        assert held.doubt is None
