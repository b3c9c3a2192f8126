"""What was packed and unpacked knows what the engine knew: verdicts go on byte for byte as if nothing had been."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from detector.rules.loading import load_rules
from detector.rules.windows import distinct, kept, panes
from detector.rules.windows.chunk import BrokenBucketError
from detector.rules.windows.engine import Windows
from detector.rules.windows.gate import Known, unwatched, watched
from detector.rules.windows.kept import bucket_of
from tests.unit.test_windows_oracle import entries, log_of, rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.rules.ruleset import RuleSet
    from tests.unit.test_windows_oracle import Entry, OneRule

LOGS = [{"source", "target", "amount"}]


@dataclass(frozen=True)
class Kind:
    """What is drawn beside rules and records: the file's lateness, and what the engine keeps."""

    lateness: str
    newest: int
    panes: int
    smallest: int
    buckets: int


kinds = st.builds(
    Kind,
    st.sampled_from(("0s", "1s", "1h")),
    st.sampled_from((1, 2, 3, 1_024)),
    st.sampled_from((2, 128)),
    st.sampled_from((2, 256)),
    st.sampled_from((1, 3, 512)),
)


@contextmanager
def keeping(kind: Kind) -> Iterator[None]:
    """Let engines keep as much as was drawn."""
    with (
        patch.object(panes, "MOST", kind.panes),
        patch.object(distinct, "SMALLEST", kind.smallest),
        patch.object(kept, "BUCKETS", kind.buckets),
    ):
        yield


def engine(asked: list[OneRule], kind: Kind) -> RuleSet:
    """Return rules that have seen nothing."""
    declared = "members: {n: number, place: text, flag: truth}"
    text = "\n".join(
        [f"lateness: {kind.lateness}", declared, "rules:", *(one.text(at) for at, one in enumerate(asked))]
    )
    loaded = load_rules("random.yaml", text, logs=LOGS)
    loaded.stages[0].windows = Windows(loaded.stages[0].plan, kind.newest)
    return loaded


def verdict(loaded: RuleSet, entry: Entry) -> bytes:
    """Return all that is told of a record."""
    judgement = loaded.judge(entry.transaction, entry.partition, entry.timestamp_ms)
    return msgspec.json.encode([judgement.verdict, list(judgement.noted), judgement.caveats])


def packed(loaded: RuleSet, partition: int) -> dict[int, bytes]:
    """Return all buckets of a partition."""
    windows = loaded.stages[0].windows
    held = windows.partitions.get(partition)
    return {number: windows.pack(partition, number) for number in (held.buckets if held else ())}


def restored(asked: list[OneRule], kind: Kind, chunks: dict[int, dict[int, bytes]]) -> RuleSet:
    """Return rules that know what is in the chunks of each partition."""
    loaded = engine(asked, kind)
    for partition, each in chunks.items():
        for number, chunk in each.items():
            loaded.stages[0].windows.unpack(partition, number, chunk)
    loaded.committed()
    return loaded


@settings(max_examples=250)
@given(
    asked=st.lists(rules, min_size=1, max_size=2),
    drawn=st.lists(entries, min_size=1, max_size=24),
    cut=st.integers(0, 24),
    ends=st.sets(st.integers(1, 23), max_size=6),
    kind=kinds,
)
def test_an_engine_that_was_packed_goes_on_as_one_that_was_not(
    asked: list[OneRule], drawn: list[tuple[Any, ...]], cut: int, ends: set[int], kind: Kind
) -> None:
    """Whatever the rules, however late records are, and also where a batch is undone behind it."""
    log = log_of(drawn)
    with keeping(kind):
        whole = engine(asked, kind)
        for number, entry in enumerate(log[:cut]):
            verdict(whole, entry)
            if number in ends:
                whole.committed()
        whole.committed()
        chunks = {partition: packed(whole, partition) for partition in (0, 1)}
        again = restored(asked, kind, chunks)
        for partition, held in whole.stages[0].windows.partitions.items():
            again.stages[0].windows.known(partition, unwatched(held, watched(held)))
        assert {partition: packed(again, partition) for partition in (0, 1)} == chunks
        for number, entry in enumerate(log[cut:]):
            verdict(again, entry)
            again.aborted()
            assert verdict(again, entry) == verdict(whole, entry)
            if number in ends:
                whole.committed()
            again.committed()


@settings(max_examples=250)
@given(
    asked=st.lists(rules, min_size=1, max_size=2),
    drawn=st.lists(entries, min_size=1, max_size=24),
    order=st.permutations(range(3)),
    turns=st.lists(st.integers(0, 2), min_size=24, max_size=24),
    begin=st.integers(0, 12),
    behind=st.integers(0, 6),
    kind=kinds.map(lambda kind: Kind(kind.lateness, kind.newest, kind.panes, kind.smallest, 3)),
)
def test_buckets_that_were_packed_one_by_one_agree_once_the_log_is_read_on(  # noqa: PLR0913, PLR0917 (what was drawn)
    asked: list[OneRule],
    drawn: list[tuple[Any, ...]],
    order: list[int],
    turns: list[int],
    begin: int,
    behind: int,
    kind: Kind,
) -> None:
    """Records come between two of them: each takes from the log what it does not know, and nothing twice."""
    log = log_of([(0, *one[1:]) for one in drawn])
    with keeping(kind):
        whole = engine(asked, kind)
        left, chunks, offsets = list(order), dict[int, bytes](), dict[int, int]()
        held, known = whole.stages[0].windows.begun(0), Known()
        for offset, entry in enumerate(log):
            if offset == begin:
                known = watched(held)
            if offset >= begin:
                for _ in range(min(turns[offset], len(left))):
                    _pack(whole, left.pop(), offset, chunks, offsets)
            verdict(whole, entry)
            whole.committed()
        for number in left:
            _pack(whole, number, len(log), chunks, offsets)
        begin = min(begin, len(log))
        again = restored(asked, kind, {0: chunks})
        opens = {number: at for number, at in offsets.items() if at > begin}
        known = known if begin < len(log) else watched(held)
        again.stages[0].windows.known(0, unwatched(held, known)._replace(opens=opens))
        reached = min(len(log), max([begin, *offsets.values()]) + behind)
        for offset in range(begin, reached):
            again.observe(log[offset].transaction, 0, log[offset].timestamp_ms, offset=offset)
        again.committed()
        expected = engine(asked, kind)
        for entry in log[:reached]:
            verdict(expected, entry)
            expected.committed()
        if kind.newest > len(log):  # what is over may lie in a pane, or not: no window sees it
            assert packed(again, 0) == packed(expected, 0)
        for entry in log[reached:]:
            assert verdict(again, entry) == verdict(expected, entry)


def _pack(loaded: RuleSet, number: int, offset: int, chunks: dict[int, bytes], offsets: dict[int, int]) -> None:
    held = loaded.stages[0].windows.partitions.get(0)
    if held is not None and number in held.buckets:
        chunks[number] = loaded.stages[0].windows.pack(0, number)
        offsets[number] = offset


@given(st.lists(st.tuples(st.integers(-999, 999), st.integers(0, 5)), min_size=1, max_size=4))
def test_values_that_are_equal_are_in_the_same_bucket(parts: list[tuple[int, int]]) -> None:
    """However many zeros a number has, alone or among others."""
    one = tuple(Decimal(whole) for whole, _ in parts)
    other = tuple(Decimal(whole).quantize(Decimal(1).scaleb(-zeros)) for whole, zeros in parts)
    assert bucket_of(one) == bucket_of(other)
    assert bucket_of(one[0]) == bucket_of(other[0])


def test_the_bucket_of_a_value_does_not_change() -> None:
    """Of another release, or another process, a snapshot is found by it."""
    found = [bucket_of(one) for one in ("A1", "\ud800", ("A1", Decimal("1.50")), 7, True)]
    assert found == [129, 296, 287, 130, 435]


def some_chunk() -> tuple[RuleSet, bytes]:
    """Return rules that remember three keys in one bucket, and that packed."""
    asked = 'rules: [{id: a, key: source, when: \'count("1h") > 1 and last(target, "1h") == "x"\'}]'
    loaded = load_rules("some.yaml", asked)
    with patch.object(kept, "BUCKETS", 1):
        for number, entry in enumerate(log_of([(0, 0, 0, 0, "a", "t", "EUR", "1.10", 1, "x", True)] * 3)):
            loaded.observe(replace(entry.transaction, source=f"a{number}"), 0, entry.timestamp_ms)
        loaded.committed()
    return loaded, loaded.stages[0].windows.pack(0, 0)


def test_a_chunk_that_came_to_harm_is_refused() -> None:
    """Wherever a bit is another, and wherever it was cut; nothing is made of it."""
    loaded, chunk = some_chunk()
    windows = Windows(loaded.stages[0].plan)
    for at in range(len(chunk)):
        with pytest.raises(BrokenBucketError):
            windows.unpack(0, 0, chunk[:at] + bytes([chunk[at] ^ 1]) + chunk[at + 1 :])
        with pytest.raises(BrokenBucketError):
            windows.unpack(0, 0, chunk[:at])
    windows.unpack(0, 0, chunk)
    assert windows.pack(0, 0) == chunk


def test_a_chunk_of_other_rules_is_refused() -> None:
    """Should a shape ever be told apart wrongly, columns that do not fit are noticed."""
    _, chunk = some_chunk()
    other = load_rules("other.yaml", "rules: [{id: a, key: [source, target], when: 'count(\"1h\") > 1'}]")
    with pytest.raises(BrokenBucketError, match=r"columns|series"):
        other.stages[0].windows.unpack(0, 0, chunk)


def test_what_was_packed_counts_as_unchanged_until_something_comes() -> None:
    """Only what has changed is packed again; an abort may mark too much, and never too little."""
    loaded, chunk = some_chunk()
    windows = loaded.stages[0].windows
    held = windows.partitions[0]
    assert held.changed() == []
    (entry,) = log_of([(0, 0, 0, 0, "a", "t", "EUR", "1.10", 1, "x", True)])
    with patch.object(kept, "BUCKETS", 1):
        loaded.observe(replace(entry.transaction, source="a1"), 0, entry.timestamp_ms)
    assert held.changed() == [0]
    loaded.aborted()
    assert windows.pack(0, 0) == chunk
    held.mark([0])
    assert held.changed() == [0]


def test_what_is_forgotten_takes_no_room_any_more() -> None:
    """Values that nobody uses longer than rules look back, and a day, go when their bucket is packed."""
    loaded, _ = some_chunk()
    windows = loaded.stages[0].windows
    (entry,) = log_of([(0, 0, 0, 0, "a", "t", "EUR", "1.10", 1, "x", True)])
    for hours, left in ((24, {"a0", "a1", "a2"}), (27, {"a1"}), (50, {"a1"}), (60, {"a1", "a3"})):
        with patch.object(kept, "BUCKETS", 1):
            paid = replace(entry.transaction, source="a3" if hours == 60 else "a1")
            loaded.observe(paid, 0, entry.timestamp_ms + hours * 3_600_000)
        loaded.committed()
        windows.pack(0, 0)
        assert set(windows.partitions[0].values[0]) == left
        assert set(windows.partitions[0].buckets[0].values[0]) == left
