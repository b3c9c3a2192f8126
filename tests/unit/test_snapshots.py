"""Snapshots of what rules remember: whoever comes back by them judges as if nobody had gone."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.errors import KafkaConnectionError

from detector.handler import Detector
from detector.rules.windows import kept
from detector.rules.windows.engine import Windows
from detector.rules.windows.gate import Known
from detector.snapshots.book import Book
from detector.snapshots.records import (
    PART_BYTES,
    BrokenSnapshotError,
    Chunk,
    Log,
    Manifest,
    chunk_entries,
    keys_of,
    manifest_entry,
)
from detector.snapshots.shelf import Shelf
from tests.unit.samples import TIMESTAMP_MS, record
from tests.unit.snapshot_bench import PLACE, Line, Process, Topic, told, uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.contracts.records import Record

LOG = Log("input", "id", 3)
RULES = """
lateness: 1m
rules:
  - {id: many, key: source, window: 1h, when: count() >= 2, currency: any, score: 10, mode: shadow}
  - {id: much, key: [source, target], window: 90s, when: sum(amount) >= 3, currency: any, score: 100}
  - {id: other, key: source, window: 1d, when: 'count_distinct(target) > 1 and previous(target) != target'}
  - {id: then, key: target, window: 1h, currency: any, sequence: [amount < 2, amount >= 2], within: 1h}
"""
RULES = RULES.replace("key: target", "key: source")
OTHER = RULES.replace("window: 90s", "window: 2m")


@pytest.fixture(autouse=True)
def _few_buckets() -> Iterator[None]:
    """Let keys share buckets."""
    with patch.object(kept, "BUCKETS", 3):
        yield


def log_of(drawn: list[tuple[str, str, int, int]]) -> list[Record]:
    """Return a log of payments: who, to whom, how much, and how many seconds later (or before)."""
    found, at_ms = [], TIMESTAMP_MS
    for offset, (source, target, amount, seconds) in enumerate(drawn):
        at_ms += max(0, seconds) * 1000
        time = f"2026-11-22T11:{(at_ms - TIMESTAMP_MS) // 60_000 % 60:02}:{max(0, -seconds) % 60:02}Z"
        members = {"source": source, "target": target, "amount": amount, "currency": "EUR", "timestamp": time}
        value = json.dumps(members).encode() if amount else b"no transfer"
        found.append(record(value, key=source.encode(), partition=PLACE[1], offset=offset, timestamp_ms=at_ms))
    return found


STEPS = {"handle": 30, "rest": 40, "abort": 4, "kill": 5, "linger": 5, "harm": 2, "fail": 1, "mend": 3}


def drawn(draw: random.Random, count: int) -> list[Record]:
    """Return a log that was made up: few accounts, some late, some that cannot be read."""
    who = [(draw.choice("abcdef"), draw.choice("xyz")) for _ in range(count)]
    return log_of([(*one, draw.randrange(4), draw.randrange(-40, 90)) for one in who])


@settings(max_examples=120)
@given(seed=st.integers(0, 1 << 32), most=st.sampled_from((0, 5_000, 9_000, 15_000)))
def test_outcomes_are_those_of_a_detector_that_was_never_killed(seed: int, most: int) -> None:
    """Whenever it is killed, whatever of the topic comes to harm, and while one that was replaced still writes.

    Also where what rules remember is bounded, and values go while snapshots are written.
    """
    draw = random.Random(seed)  # noqa: S311 (no secret)
    log, topic = drawn(draw, 50), Topic()
    process = Process(RULES, topic, log, 0, most=most)
    zombies: list[Process] = []
    found: list[list[tuple[str, bytes | None, object]]] = []
    while process.at < len(log):
        (step,) = draw.choices(list(STEPS), list(STEPS.values()))
        if step == "handle":
            found += told(process.handle(log, draw.randrange(1, 3)))
        elif step == "abort":
            process.handle(log, draw.randrange(1, 5), aborted=True)
        elif step == "rest":
            process.rest()
        elif step == "kill":
            zombies.append(process)
            process = Process(RULES, topic, log, process.at, most=most)
        elif step == "harm":
            _harm(topic, draw)
        elif step in {"fail", "mend"}:
            process.writer.failing = step == "fail"
        for zombie in zombies if step == "linger" else ():
            zombie.rest(draw.randrange(3))
    assert found == uninterrupted(RULES, log, most)


def _harm(topic: Topic, draw: random.Random) -> None:
    """Let a record of the topic be another, or be gone."""
    live = topic.live()
    if live:
        key = draw.choice(sorted(live))
        value = live[key]
        at = draw.randrange(len(value))
        harmed = draw.choice([None, value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :], value[:at]])
        topic.lines.append(Line(key, harmed))


def judged(rules: str = RULES, records: int = 40) -> tuple[list[Record], Topic, Process]:
    """Return a process that has judged half of a log, and has kept a snapshot on its way."""
    names = "abcdef"
    log, topic = log_of([(names[n % 6], "xy"[n % 2], 1 + n % 3, 5) for n in range(records)]), Topic()
    process = Process(rules, topic, log, 0)
    for _ in range(records // 2):
        process.handle(log, 1)
        process.rest(2)
    return log, topic, process


def test_a_process_that_comes_back_reads_the_log_behind_its_newest_snapshot() -> None:
    """And not from its beginning."""
    log, topic, process = judged()
    again = Process(RULES, topic, log, process.at)
    assert again.began is not None
    assert 0 < process.at - again.began < 10


def test_what_stands_in_the_topic_is_bounded() -> None:
    """Two snapshots and what is under way; all else is removed behind them."""
    _, topic, process = judged(records=200)
    process.rest(20)
    manifests = [key for key in topic.live() if b"/manifest/" in key]
    assert len(manifests) == 2
    assert len(topic.live()) <= 2 * (3 + 1)


def test_what_others_have_left_behind_goes() -> None:
    """Chunks without a manifest, and all that was of other rules."""
    log, topic, process = judged()
    topic.lines += [Line(*one) for one in chunk_entries(LOG, "another", Chunk.of(1, 2, b"left"), b"left")]
    elsewhere = Line(b"input/id/31/another/bucket/1/2/0", b"of another partition")
    topic.lines.append(elsewhere)
    again = Process(OTHER, topic, log, process.at)
    assert again.began is None
    again.rest(20)
    left = topic.live()
    shapes = {key.split(b"/")[3] for key in left if key.startswith(LOG.prefix())}
    assert len(shapes) == 1
    assert left[elsewhere.key] == elsewhere.value
    assert Process(OTHER, topic, log, again.at).began == again.at


def test_a_snapshot_beyond_what_is_committed_is_not_used() -> None:
    """Offsets may have been set back by somebody: what comes again would count twice."""
    log, topic, process = judged()
    process.rest(20)
    back = Process(RULES, topic, log, 3)
    assert back.began is None or back.began <= 3


def test_a_snapshot_of_another_topic_of_the_same_name_is_not_used() -> None:
    """One that was deleted and made anew begins at offset 0 with other records."""
    log, topic, process = judged()
    for number, line in enumerate(topic.lines):
        topic.lines[number] = Line(line.key.replace(b"input/id/", b"input/old-id/"), line.value)
    assert Process(RULES, topic, log, process.at).began is None


def test_nothing_is_packed_while_the_writer_has_no_room() -> None:
    """The loop never waits for a broker."""
    log, topic, process = judged()
    process.writer.room = 0
    before = len(topic.lines)
    process.handle(log, 5)
    process.rest(50)
    assert len(topic.lines) == before
    process.writer.room = 1 << 30
    process.rest(50)
    assert len(topic.lines) > before


def test_only_what_has_changed_is_written_again() -> None:
    """The others are named by the new manifest as they are."""
    log = log_of([(name, "x", 1, 1) for name in "abcdef"] + [("a", "y", 1, 1)])
    topic = Topic()
    with patch.object(kept, "BUCKETS", 512):
        process = Process(RULES, topic, log, 0)
        process.handle(log, 6)
        process.rest(300)
        before = len(topic.lines)
        process.handle(log, 1)
        process.rest(60)
        written = [line.key for line in topic.lines[before:] if line.value is not None]
    assert len([key for key in written if b"/manifest/" in key]) == 1
    assert len([key for key in written if b"/bucket/" in key]) == 2  # of its account, and of account and target
    assert Process(RULES, topic, log, 7).began == 7


def test_what_could_not_be_written_is_written_with_the_next() -> None:
    """Also where nothing more comes for its keys."""
    log = log_of([(name, "x", 1, 1) for name in "abcdefabcdef"])
    topic = Topic()
    process = Process(RULES, topic, log, 0)
    for records, process.writer.failing in ((6, False), (3, True), (1, False)):
        process.handle(log, records)
        process.rest(100)
    again = Process(RULES, topic, log, process.at)
    assert again.began == process.at == 10
    assert told(again.handle(log, 2)) == uninterrupted(RULES, log)[10:]


def test_what_becomes_of_snapshots_is_told_in_figures() -> None:
    """How many were written and failed, and of the last that was written how long it took and how large it was."""
    log, topic = log_of([(name, "x", 1, 1) for name in "abcdefabcdef"]), Topic()
    process = Process(RULES, topic, log, 0)

    def told() -> dict[tuple[str, ...], object]:
        return {(one.metric.name, *one.labels): one.value for one in process.snapshots.figures()}

    assert told() == {("fraud_snapshots_total", "written"): 0, ("fraud_snapshots_total", "failed"): 0}
    process.handle(log, 6)
    process.rest(100)
    process.writer.failing = True
    process.handle(log, 3)
    process.rest(20)
    found = told()
    failed = found.pop(("fraud_snapshots_total", "failed"))
    assert isinstance(failed, int)
    assert failed > 0
    assert found.pop(("fraud_snapshots_total", "written")) == 1
    chunks = [line for line in topic.lines if b"/bucket/" in line.key and line.value is not None]
    assert found.pop(("fraud_snapshot_last_bytes",)) == sum(len(line.value or b"") for line in chunks)
    ((name, seconds),) = found.items()
    assert name == ("fraud_snapshot_last_seconds",)
    assert isinstance(seconds, float)
    assert 0 < seconds < 1


def test_snapshots_begin_an_interval_apart() -> None:
    """What changes meanwhile waits for the next."""
    log = log_of([("a", "x", 1, 1)] * 60)
    topic = Topic()
    process = Process(RULES, topic, log, 0, interval=0.05)
    counts = []
    for _ in range(60):
        process.handle(log, 1)
        process.rest()
        counts.append(sum(b"/manifest/" in line.key and line.value is not None for line in topic.lines))
    assert counts[:5] != [0, 0, 0, 0, 0]
    assert 1 < counts[-1] < 10


def test_a_rollback_to_rules_that_are_remembered_begins_new_snapshots() -> None:
    """What was packed of one memory is never taken for another's, nor left out because it had been packed once."""
    log, topic, process = judged()
    other = Process(OTHER, Topic(), log, process.at)
    held, process.detector._rules = process.detector._rules, other.rules  # noqa: SLF001 (as HeldRules does)
    process.rest(60)
    assert Process(OTHER, topic, log, process.at).began == process.at
    assert Process(RULES, topic, log, process.at).began is None
    process.detector._rules = held  # noqa: SLF001
    process.rest(60)
    back = Process(RULES, topic, log, process.at)
    assert back.began == process.at
    assert told(back.handle(log, 20)) == uninterrupted(RULES, log)[process.at : process.at + 20]


def test_a_bug_in_keeping_costs_snapshots_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """It is told once."""
    log, _, process = judged()
    with patch.object(process.keeping, "rest", side_effect=ZeroDivisionError):
        process.rest(3)
    assert len([one for one in caplog.records if "not written any more" in one.message]) == 1
    process.handle(log, 1)


def snapshot(offset: int, *buckets: bytes) -> tuple[Manifest, list[Any]]:
    """Return a snapshot of buckets, and its records."""
    chunks = [Chunk.of(number, offset, packed) for number, packed in enumerate(buckets)]
    manifest = Book(LOG, "s").next(offset, offset, Known(5, 1, [(3, 2)], 6, 70), chunks)
    entries = [one for chunk, packed in zip(chunks, buckets, strict=True) for one in
               chunk_entries(LOG, "s", chunk, packed)]  # fmt: skip
    return manifest, [*entries, manifest_entry(LOG, manifest)]


def test_a_large_bucket_stands_in_parts() -> None:
    """None is larger than what any topic takes; together they are the bucket."""
    large = random.Random(1).randbytes(2 * PART_BYTES + 1)  # noqa: S311 (no secret)
    manifest, entries = snapshot(7, large, b"")
    assert [len(value) for _, value in entries[:-1]] == [PART_BYTES, PART_BYTES, 1, 0]
    shelf = Shelf(LOG)
    for key, value in entries:
        shelf.take(key, value)
    assert shelf.manifests("s", 7) == [manifest]
    assert list(shelf.chunks(manifest)) == [(0, large), (1, b"")]
    shelf.take(entries[1][0], b"x" * PART_BYTES)
    with pytest.raises(BrokenSnapshotError, match="bucket 0 at offset 7 is not what was written"):
        shelf.check(manifest)
    shelf.take(entries[1][0], None)
    with pytest.raises(BrokenSnapshotError, match="bucket 0 at offset 7 is not there"):
        shelf.check(manifest)


def test_a_manifest_counts_under_its_own_key_alone() -> None:
    """Nor does one that cannot be read."""
    _, entries = snapshot(7, b"x")
    key, value = entries[-1]
    for other_key, other in ((key + b"1", value), (key, b"{"), (key, b'{"offset":7}'), (b"elsewhere/" + key, value)):
        shelf = Shelf(LOG)
        shelf.take(other_key, other)
        shelf.take(None, other)
        assert shelf.manifests("s", 100) == []


def test_the_book_keeps_the_newest_two() -> None:
    """What neither of them names goes, a manifest before its chunks."""
    book = Book(LOG, "s", keys=[b"input/id/3/old/manifest/1", b"input/id/3/old/bucket/1/1/0"])
    manifests = []
    for offset in (10, 20, 30):
        chunk = Chunk.of(offset % 4, offset, b"x")
        book.begun(chunk)
        manifest = book.next(offset, offset, Known(), [chunk])
        removed = book.surplus(manifest)
        book.written(manifest, removed)
        manifests.append((manifest, removed))
    assert [len(manifest.chunks) for manifest, _ in manifests] == [1, 2, 2]
    assert manifests[0][1] == [b"input/id/3/old/manifest/1", b"input/id/3/old/bucket/1/1/0"]
    assert manifests[2][1] == [key for key in keys_of(LOG, manifests[0][0]) if b"/manifest/" in key]
    assert book.offset == 30


def test_a_topic_that_cannot_be_read_costs_a_reading_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Payments do not wait for what shortens a start; the next snapshot is written as if there were none."""
    log, topic, process = judged()
    with patch.object(Topic, "read", side_effect=KafkaConnectionError("gone")):
        again = Process(RULES, topic, log, process.at)
    assert again.began is None
    assert "snapshots cannot be read: KafkaConnectionError: gone; reading the log again instead" in caplog.text
    assert told(again.handle(log, 20)) == uninterrupted(RULES, log)[process.at : process.at + 20]
    again.rest(100)
    assert Process(RULES, topic, log, again.at).began == again.at


def test_a_bug_in_unpacking_costs_a_reading_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever stands in the topic, a detector starts."""
    log, topic, process = judged()
    with patch.object(Windows, "unpack", side_effect=ZeroDivisionError):
        again = Process(RULES, topic, log, process.at)
    assert again.began is None
    assert "cannot be used" in caplog.text
    assert told(again.handle(log, 20)) == uninterrupted(RULES, log)[process.at : process.at + 20]


def test_beside_the_memory_of_another_version_all_comes_from_the_log() -> None:
    """It would have to be read for that one anyway; snapshots of the rules in force are kept all the same."""
    log, topic, process = judged()
    both = (process.rules, Process(OTHER, Topic(), log, 0).rules)
    with patch.object(Detector, "memories", lambda _: both):
        again = Process(RULES, topic, log, process.at)
    assert again.began is None
    again.rest(100)
    assert Process(RULES, topic, log, again.at).began == again.at


def test_a_partition_without_a_single_key_has_snapshots_too() -> None:
    """What nobody could read does not have to be read again."""
    log, topic = log_of([("a", "x", 0, 1)] * 9), Topic()
    process = Process(RULES, topic, log, 0)
    process.handle(log, 9)
    process.rest(20)
    assert Process(RULES, topic, log, 9).began == 9


def test_where_no_rule_looks_back_nothing_is_read_again() -> None:
    """A stage without windows has no memory, whatever other stages have."""
    log, topic = log_of([("a", "x", 1, 1)] * 9), Topic()
    assert Process("rules: [{id: a, when: amount > 2, currency: any}]", topic, log, 9).began == 9
