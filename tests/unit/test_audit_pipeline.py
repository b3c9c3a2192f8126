"""A pipeline that does what it should, simulated record by record: whenever it is audited, nothing is found."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts import headers, topics
from pipeline.contracts.coordinates import Coordinates
from pipeline.operations.audit.accounting import Books
from pipeline.operations.audit.entries import enter_letter, enter_outcome, enter_record
from pipeline.operations.audit.report import Outcome
from pipeline.operations.audit.scope import ALL_TIME, BranchScope, Period, Scope
from pipeline.operations.deadletters.letters import Marker, is_marker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hypothesis.strategies import DataObject

    from pipeline.contracts.headers import Header
    from pipeline.contracts.topics import Topic
    from pipeline.operations.audit.report import Report

NOW: Final = datetime(2026, 11, 22, tzinfo=UTC)
BRANCHES: Final = {topics.LEGIT: topics.LEGIT_DEAD_LETTER, topics.FRAUD: topics.FRAUD_DEAD_LETTER}
OUTPUTS: Final = {
    topics.LEGIT: Outcome.LEGIT,
    topics.FRAUD: Outcome.FRAUD,
    topics.TRANSACTIONS_DEAD_LETTER: Outcome.DEAD_LETTER,
}


class Written(NamedTuple):
    """A record of a topic with one partition, as a client hands it out."""

    partition: int
    offset: int
    headers: list[Header]


class Simulation:
    """One partition of everything. Offsets that hold no record are those of transaction markers."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw
        self.logs: dict[Topic, list[list[Header] | None]] = defaultdict(list)
        self.done: dict[Topic, int] = defaultdict(int)
        self._fates: list[Outcome] = []

    def live(self) -> None:
        """Let each of them work for a while: input comes, the detector judges, processors settle, people redrive."""
        for step in self._draw(st.lists(st.sampled_from(("input", "detect", "settle", "redrive")), max_size=25)):
            if step == "input":
                self._write(topics.TRANSACTIONS, [])
            elif step == "detect":
                self._handle(topics.TRANSACTIONS, self._judge)
            elif step == "settle":
                branch = self._draw(st.sampled_from(tuple(BRANCHES)))
                self._handle(branch, partial(self._settle, branch))
            else:
                self._redrive(self._draw(st.sampled_from(tuple(BRANCHES))))

    def _write(self, topic: Topic, record: list[Header]) -> int:
        self.logs[topic].append(record)
        if self._draw(st.booleans()):
            self.logs[topic].append(None)
        return len(self.logs[topic]) - 1 - (self.logs[topic][-1] is None)

    def _handle(self, topic: Topic, handle: Callable[[int, list[Header]], None]) -> None:
        for _ in range(self._draw(st.integers(1, 4))):
            if self.done[topic] < len(self.logs[topic]):
                found = self.logs[topic][self.done[topic]]
                if found is not None:
                    handle(self.done[topic], found)
                self.done[topic] += 1

    def _judge(self, offset: int, _: list[Header]) -> None:
        topic = self._draw(st.sampled_from(tuple(OUTPUTS)))
        self._write(topic, [(headers.ORIGIN.name, Coordinates(0, offset).encode())])

    def _settle(self, branch: Topic, offset: int, found: list[Header]) -> None:
        if self._draw(st.booleans()):
            source = (headers.SOURCE.name, Coordinates(0, offset).encode())
            self._write(BRANCHES[branch], [*found, source])

    def _redrive(self, branch: Topic) -> None:
        shelf = BRANCHES[branch]
        letters = [(offset, found) for offset, found in enumerate(self.logs[shelf]) if found and not is_marker(found)]
        if letters:
            offset, letter = self._draw(st.sampled_from(letters))
            origin = (headers.ORIGIN.name, headers.find(letter, headers.ORIGIN))
            became = self._write(branch, [origin, (headers.ATTEMPT.name, b"1")])
            self._write(shelf, Marker(Coordinates(0, offset), 1, Coordinates(0, became)).headers())

    def records(self, topic: Topic, start: int, end: int) -> Iterator[Written]:
        """Yield the records of a topic from an offset to below another."""
        for offset, found in enumerate(self.logs[topic][:end]):
            if offset >= start and found is not None:
                yield Written(0, offset, found)


def audited(simulation: Simulation, draw: Callable[[Any], Any], period: Period) -> tuple[Report, dict[Topic, int]]:
    """Audit as the auditor does while the pipeline goes on and retention cuts; return what it says, and the cuts."""
    committed = dict(simulation.done)
    simulation.live()
    ends = {topic: len(log) for topic, log in simulation.logs.items()}
    simulation.live()
    log_end = len(simulation.logs[topics.TRANSACTIONS])
    # Retention takes what was handled; dead letters of branches it keeps longest.
    reach = {**committed, topics.TRANSACTIONS_DEAD_LETTER: ends.get(topics.TRANSACTIONS_DEAD_LETTER, 0)}
    cuts = {topic: draw(st.integers(0, reach.get(topic, 0))) for topic in (topics.TRANSACTIONS, *OUTPUTS)}
    since, until = sorted((draw(st.integers(0, log_end)), draw(st.integers(0, log_end))))
    scope = Scope(
        "input", {0: cuts[topics.TRANSACTIONS]}, {0: committed.get(topics.TRANSACTIONS, 0)}, {0: log_end}, period,
        {0: since} if period.since else {}, {0: until} if period.until else {},
    )  # fmt: skip
    branches = [
        BranchScope(branch, {0: cuts[branch]}, {0: ends.get(branch, 0)}, {0: committed.get(branch, 0)})
        for branch in BRANCHES
    ]
    books = Books(scope, branches)
    for record in simulation.records(topics.TRANSACTIONS, scope.first[0], scope.end[0]):
        books.add_input(0, record.offset)
    for topic in OUTPUTS:
        _enter_output(books, topic, list(simulation.records(topic, cuts[topic], ends.get(topic, 0))), cut=cuts[topic])
    for branch, shelf in BRANCHES.items():
        for record in simulation.records(shelf, 0, ends.get(shelf, 0)):
            enter_letter(books, books.branches[branch.key], shelf, record)
    return books.close(), cuts


def _enter_output(books: Books, topic: Topic, records: list[Written], *, cut: int) -> None:
    origins = []
    for record in records:
        if topic in BRANCHES:
            enter_record(books, books.branches[topic.key], OUTPUTS[topic], record)
        else:
            enter_outcome(books, topic, OUTPUTS[topic], record)
        if headers.find(record.headers, headers.ATTEMPT) is None:
            origins.append(headers.coordinates_in(record.headers, headers.ORIGIN))
    if cut:
        books.see_from(0, origins[0].offset if origins and origins[0] else books.scope.end[0])


@given(st.data(), st.sampled_from((ALL_TIME, Period(since=NOW), Period(until=NOW), Period(NOW, NOW))))
def test_a_pipeline_that_does_what_it_should_is_clean(data: DataObject, period: Period) -> None:
    """Whatever is cut after it was read, sent again, or written while the audit looks; and the figures add up."""
    simulation = Simulation(data.draw)
    simulation.live()
    report, cuts = audited(simulation, data.draw, period)
    assert report.clean, report
    assert sum(report.outcomes.values()) == report.input
    if not any(cuts.values()):
        assert report.unseen == 0
        sent_again = sum(found.done + found.dead_letters + found.pending for found in report.effects.values())
        assert sent_again >= report.outcomes["legit"] + report.outcomes["fraud"]
