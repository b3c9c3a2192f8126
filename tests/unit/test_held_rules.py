"""Rules that change while records are between two stages: each is judged by the version that its first stage had."""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from detector.held import HELD_SECONDS, HELD_VERSIONS, HeldRules, MemoryWantedError
from detector.routing import routed
from detector.rules.keys import logs_of
from detector.rules.loading import load_rules
from detector.rules.stage import Found
from detector.so_far import so_far_of
from detector.staged import StagedDetector
from pipeline.contracts import topics
from tests.unit.samples import TRANSFERS, record, transfer

if TYPE_CHECKING:
    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.records import Outgoing, Record

RECEIVED_MS = 1_795_345_200_000  # 2026-11-22T11:00:00Z
HOP = topics.hop_by("target")
LOGS = logs_of(["target"])
FAN_IN = "{id: fan-in, key: target, window: %s, when: count_distinct(source) >= %d, score: 60}"
OFTEN = "{id: often, key: source, window: 1h, when: count() >= %d, score: 40}"
# The second looks at what the first does, the third at something else, the fourth at nothing.
VERSIONS = [
    f"rules: [{FAN_IN % ('1h', 3)}, {OFTEN % 2}]",
    f"rules: [{FAN_IN % ('1h', 2)}, {OFTEN % 3}]",
    f"rules: [{FAN_IN % ('2h', 2)}, {OFTEN % 2}]",
    "rules: [{id: all, when: 'true', mode: shadow}]",
]


def load(number: int) -> RuleSet:
    """Return a version as a process has it that has just read it."""
    return load_rules("r", VERSIONS[number], logs=LOGS)


NAMES = [load(number).version for number in range(len(VERSIONS))]


def find(version: str) -> RuleSet | None:
    """Return a version by its name."""
    return load(NAMES.index(version)) if version in NAMES else None


class Line:
    """A detector with one hop, in memory: what is behind it waits until it is asked for."""

    def __init__(self) -> None:
        self.version = 0
        self.logs: tuple[list[Record], list[Record]] = ([], [])
        self.waiting: deque[Record] = deque()
        self.outcomes: list[tuple[Record, tuple[Outgoing, ...]]] = []
        self._offsets = count()
        self.start()

    def start(self) -> None:
        """Begin a process: it knows the newest version, and remembers what was judged before."""
        self.detector = StagedDetector(TRANSFERS, load(self.version), {HOP: "by-target"}, find)
        self.restore()

    def restore(self) -> None:
        """Remember what was judged before, as where memory has to be made anew."""
        self.detector.assigned(())
        for log in self.logs:
            for one in log:
                self.detector.observe(one)
        self.detector.committed()

    def push(self, number: int) -> None:
        """Put a version in force; what it looks back to is restored where the detector says so."""
        before, self.version = self.detector.memory(), number
        self.detector.use(load(number))
        if self.detector.memory() != before:
            self.restore()

    def enter(self, source: str, target: str, minute: int = 0) -> None:
        """Judge at the first stage."""
        value = transfer(source=source, target=target, timestamp=f"2026-11-22T10:{minute:02}:00Z")
        read = record(value, timestamp_ms=RECEIVED_MS, key=source.encode(), offset=next(self._offsets))
        (outgoing,) = self._handled(read)
        self.logs[0].append(read)
        assert outgoing.topic == HOP
        self.waiting.append(replace(read, topic="by-target", key=outgoing.key, headers=outgoing.headers))

    def go_on(self) -> None:
        """Judge the oldest that waits at the last stage."""
        if self.waiting:
            read = self.waiting.popleft()
            outgoing = self._handled(read)
            self.outcomes.append((read, outgoing))
            self.logs[1].append(read)

    def try_all(self) -> None:
        """Judge all that waits in one transaction, which is aborted."""
        try:
            for read in self.waiting:
                self.detector.handle(read)
        except MemoryWantedError:
            self.detector.aborted()
            self.restore()
        self.detector.aborted()

    def _handled(self, read: Record) -> tuple[Outgoing, ...]:
        try:
            outgoing = self.detector.handle(read)
        except MemoryWantedError:
            self.detector.aborted()
            self.restore()
            outgoing = self.detector.handle(read)
        self.detector.committed()
        return outgoing

    def by_the_oracle(self, number: int) -> tuple[Outgoing, ...]:
        """Return an outcome as its version alone makes it that has read nothing but the logs."""
        read, _ = self.outcomes[number]
        rules = find(so_far_of(read).ruleset)
        assert rules is not None
        found = Found([])
        for stage, log in enumerate(self.logs):
            for one in log:
                transaction = TRANSFERS.read(one)
                if one.offset == read.offset:
                    found = found.and_then(rules.stages[stage].find(transaction, one.partition, one.timestamp_ms))
                    break
                rules.observe(transaction, one.partition, one.timestamp_ms, stage)
        return routed(read, rules.weigh(TRANSFERS.read(read), found), rules.version)


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), st.sampled_from("ABC"), st.sampled_from("XY"), st.integers(0, 59)),
        st.tuples(st.just("go on")),
        st.tuples(st.just("push"), st.integers(0, len(VERSIONS) - 1)),
        st.tuples(st.sampled_from(["start", "try all"])),
    ),
    max_size=30,
)


@given(EVENTS)
def test_what_comes_out_is_a_function_of_the_logs_and_of_the_version_it_carries(events: list[tuple[Any, ...]]) -> None:
    """Whatever was pushed meanwhile, and whichever process has gone on with it."""
    line = Line()
    for name, *arguments in events:
        getattr(line, name.replace(" ", "_"))(*arguments)
    while line.waiting:
        line.go_on()
    for number, (_, outgoing) in enumerate(line.outcomes):
        told = [(one.topic, one.value, one.headers) for one in outgoing]
        assert told == [(one.topic, one.value, one.headers) for one in line.by_the_oracle(number)]


def test_a_record_between_two_stages_is_judged_by_the_version_before() -> None:
    """What enters behind it is judged by the new one."""
    line = Line()
    for source in "ABC":
        line.enter(source, "X")
    line.push(1)
    line.enter("D", "X")
    while line.waiting:
        line.go_on()
    versions = [(dict(outgoing.headers).get("pipeline.hits") or b"").split(b" ") for _, (outgoing,) in line.outcomes]
    assert versions[1:] == [
        [b""],
        [NAMES[0].encode(), b"fan-in=60:counted"],
        [NAMES[1].encode(), b"fan-in=60:counted"],
    ]


def test_what_looks_at_the_same_needs_no_second_reading() -> None:
    """And goes on with what was seen before, whichever of the two has seen it."""
    held = HeldRules(load(0), find)
    held.use(load(1))
    assert held.memory == 0
    assert (len(held.memories()), held.others(held.by(NAMES[0]))) == (1, [])
    held.use(load(2))
    assert held.memory == 1
    assert len(held.memories()) == 2
    assert held.others(held.by(NAMES[0])) == held.others(held.by(NAMES[1])) == [held.current]
    held.use(load(0))
    assert held.memory == 1, "what is held is remembered for, so that going back costs nothing"


def test_what_nobody_asks_for_is_dropped() -> None:
    """After a while, or where there are many; and it comes back when it is asked for."""
    now = 0.0
    held = HeldRules(load(2), find, lambda: now)
    held.use(load(0))
    held.committed()
    assert len(held.memories()) == 2
    now += HELD_SECONDS + 1
    held.committed()
    assert len(held.memories()) == 1
    with pytest.raises(MemoryWantedError, match="is read again"):
        held.by(NAMES[2])
    assert held.memory == 2
    assert held.by(NAMES[2]).version == NAMES[2]
    for number in range(HELD_VERSIONS):
        now += 1
        held.use(load_rules("r", VERSIONS[0].replace("1h", f"{number + 5}h"), logs=LOGS))
    assert len(held.memories()) == HELD_VERSIONS
    assert held.others(held.current)


def test_a_version_that_is_gone_is_replaced_by_the_current_one() -> None:
    """It is asked for once, and again after the next push."""
    asked: list[str] = []

    def gone(version: str) -> None:
        asked.append(version)

    held = HeldRules(load(0), gone)
    assert held.by("beef").version == held.by("beef").version == NAMES[0]
    held.use(load(1))
    assert held.by("beef").version == NAMES[1]
    assert asked == ["beef", "beef"]
