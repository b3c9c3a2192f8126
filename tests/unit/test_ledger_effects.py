"""Payments are settled once, whatever fails between the database and Kafka, and whoever goes on."""

from __future__ import annotations

import io
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from legit_processor.handler import LegitProcessor
from legit_processor.ledger.store import Ledger
from pipeline.contracts.coordinates import Coordinates
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.ledger import BOOKINGS, ENTRIES, REFUSALS, REPEATS
from pipeline.runtime.lines import StagedLines
from pipeline.runtime.transactional.effects import EffectsError, NotOursError
from pipeline.runtime.transactional.start import REFUSE, PartitionState, start_beside
from tests.support.ledgers import opened
from tests.unit.samples import PAYMENTS, payment, record

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from pipeline.contracts.records import Record

PARTITIONS = 2
# An id of few, an amount of two, a way to pay of which one cannot be settled: a payment.
PAID = st.tuples(st.sampled_from("abcd"), st.sampled_from([1, 2]), st.sampled_from(["VISA", "VISA", "PAYPAL"]))
WHEN = ("before saving", "after saving")
FAULTS = ["none", "handling fails", *(f"{what} {when}" for what in ("fails", "killed") for when in WHEN)]
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("batch"), st.integers(0, 1), st.integers(1, 4), st.sampled_from(FAULTS)),
        st.tuples(st.just("zombie"), st.integers(0, 1), st.integers(1, 4)),
    ),
    max_size=15,
)


class World:
    """A topic with its dead letters, what Kafka has committed of it, and two processes with one ledger."""

    def __init__(self, engine_of: Any, log: list[list[tuple[str, int, str]]]) -> None:
        self.log = [
            [
                record(
                    payment(transaction_id=name, AMOUNT=amount, PAYMENT_TYPE=method),
                    partition=partition,
                    offset=offset,
                    origin=Coordinates(partition, offset),
                )
                for offset, (name, amount, method) in enumerate(paid)
            ]
            for partition, paid in enumerate(log)
        ]
        self.committed: dict[int, int] = {}
        self.letters: Counter[tuple[int, int, str]] = Counter()
        self._ledger_of = engine_of
        self.processes = [Process(self) for _ in range(2)]

    def ledger(self) -> Ledger:
        """Return the ledger as a process has it that has just started."""
        made: Ledger = self._ledger_of()
        return made


class Process:
    """A processor that reads all partitions, from where Kafka and the ledger say."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.start()

    def start(self) -> None:
        """Begin anew, as after a kill."""
        self.processor = LegitProcessor(PAYMENTS, StagedLines(io.StringIO()), self._world.ledger())
        self.rewind()

    def rewind(self) -> None:
        """Go to where reading begins, as the intake does."""
        places = [("legit", partition) for partition in range(PARTITIONS)]
        saved = self.processor.resumed(places)
        self.floors = dict(self._world.committed)
        self.positions = {
            place[1]: start_beside(
                PartitionState(
                    str(place[1]),
                    self._world.committed.get(place[1]),
                    0,
                    len(self._world.log[place[1]]),
                ),
                saved.get(place),
                lambda: False,
                REFUSE,
                REFUSE,
            )
            for place in places
        }

    def batch(self, most: int, fault: str = "none") -> None:
        """Take some records of each partition through a transaction; ``fault`` says what happens in it."""
        try:
            self._transact(most, fault)
        except KilledError:
            self.start()
        except EffectsError:
            self.processor.aborted()
            self.rewind()

    def _transact(self, most: int, fault: str) -> None:
        ends, letters = self._handle(most)
        if fault == "handling fails":
            raise EffectsError(fault)
        letters += [(read, error.reason) for read, error in self.processor.refused()]
        fail(fault, "before saving")
        self.processor.save({("legit", partition): end for partition, end in ends.items()})
        fail(fault, "after saving")
        self.processor.committed()
        self.positions = ends
        for read, reason in letters:
            if read.offset >= self.floors.get(read.partition, 0):
                self._world.letters[read.partition, read.offset, reason] += 1
        for partition, end in ends.items():
            self._world.committed[partition] = max(end, self.floors.get(partition, 0))

    def _handle(self, most: int) -> tuple[dict[int, int], list[tuple[Record, str]]]:
        ends, letters = dict(self.positions), []
        for partition, position in self.positions.items():
            for read in self._world.log[partition][position : position + most]:
                ends[partition] = read.offset + 1
                try:
                    self.processor.handle(read)
                except InvalidMessageError as error:
                    letters.append((read, str(error.reason)))
        return ends, letters


class KilledError(Exception):
    """The process is gone."""


def fail(fault: str, when: str) -> None:
    """Fail, where it is the time of a fault: by the database or Kafka, or by a kill."""
    if fault == f"killed {when}":
        raise KilledError
    if fault == f"fails {when}":
        raise EffectsError(fault)


def rows(engine: Engine, table: Any) -> list[tuple[int, int]]:
    """Return the places of all rows."""
    with engine.connect() as connection:
        return [(row.partition, row.offset) for row in connection.execute(select(table.c.partition, table.c.offset))]


@given(st.lists(st.lists(PAID, max_size=8), min_size=PARTITIONS, max_size=PARTITIONS), EVENTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_each_payment_has_one_outcome(
    tmp_path_factory: pytest.TempPathFactory, log: list[list[tuple[str, int, str]]], events: list[tuple[Any, ...]]
) -> None:
    """Booked, told as a repeat, or a dead letter; all entries add up to zero; of one id there is one booking."""
    with opened(tmp_path_factory.mktemp("ledger") / "ledger.sqlite") as first:
        engine = first._engine  # noqa: SLF001 (what processes share is the file)
        world = World(lambda: Ledger(engine, "cluster", "topic", "legit"), log)
        for name, *arguments in events:
            if name == "batch":
                which, most, fault = arguments
                # Kafka gives a partition to one of them: whoever handles next has just been assigned.
                world.processes[which].rewind()
                world.processes[which].batch(most, fault)
            elif name == "zombie":
                # It does not know that another was assigned; Kafka refuses its commit in the end.
                which, most = arguments
                world.processes[which].batch(most, "fails after saving")
        for process in world.processes[:1]:
            process.rewind()
            for _ in range(10):
                process.batch(4)
        everything = [(partition, offset) for partition, paid in enumerate(log) for offset in range(len(paid))]
        unsettled = [place for place in everything if log[place[0]][place[1]][2] == "PAYPAL"]
        refused = rows(engine, REFUSALS)
        outcomes = rows(engine, BOOKINGS) + rows(engine, REPEATS) + refused + unsettled
        assert sorted(outcomes) == everything
        letters = [(*place, Reason.ID_CONFLICT) for place in refused]
        letters += [(*place, Reason.UNSUPPORTED_METHOD) for place in unsettled]
        assert world.letters == Counter(letters)
        with engine.connect() as connection:
            booked = connection.execute(select(BOOKINGS.c.transaction_id)).scalars().all()
            total = connection.execute(select(func.coalesce(func.sum(ENTRIES.c.minor), 0))).scalar_one()
            by_booking = select(func.sum(ENTRIES.c.minor)).group_by(ENTRIES.c.partition, ENTRIES.c.offset)
            sums = connection.execute(by_booking).scalars().all()
        assert total == 0
        assert set(sums) <= {0}
        settled = {name for paid in log for name, _, method in paid if method != "PAYPAL"}
        assert sorted(booked) == sorted(settled)


def test_of_two_processes_one_saves(tmp_path: Path) -> None:
    """The other finds that the watermark is not where it was, and saves nothing of its own."""
    with opened(tmp_path / "ledger.sqlite") as ledger:
        place = ("legit", 0)
        processors = [LegitProcessor(PAYMENTS, StagedLines(io.StringIO()), ledger) for _ in range(2)]
        for processor in processors:
            assert processor.resumed([place]) == {}
            processor.handle(record(payment(transaction_id="a"), partition=0, offset=0))
            assert processor.refused() == []
        processors[0].save({place: 1})
        with pytest.raises(EffectsError):
            processors[1].save({place: 1})
        assert processors[1].resumed([place]) == {place: 1}
        processors[0].committed()
        processors[0].save({place: 2})
        with pytest.raises(NotOursError, match="another process has saved more"):
            processors[1].save({place: 2})


def test_a_ledger_from_a_backup_takes_in_what_it_lacks(tmp_path: Path) -> None:
    """And nothing is a dead letter twice: what is committed in Kafka stays so."""
    log = [[("a", 1, "VISA"), ("b", 1, "VISA"), ("a", 2, "VISA"), ("a", 1, "VISA"), ("c", 1, "PAYPAL")], []]
    path, backup = tmp_path / "ledger.sqlite", tmp_path / "backup.sqlite"
    with opened(path) as first:
        world = World(lambda: first, log)
        world.processes[0].batch(1)
        with sqlite3.connect(path) as source, sqlite3.connect(backup) as target:
            source.backup(target)
        world.processes[0].batch(9)
        assert world.letters == {(0, 2, "id-conflict"): 1, (0, 4, "unsupported-method"): 1}
    letters = world.letters.copy()
    with opened(backup) as restored:
        world._ledger_of = lambda: restored  # noqa: SLF001 (what is restored)
        world.processes[1].start()
        assert world.processes[1].positions == {0: 1, 1: 0}
        world.processes[1].batch(2)
        assert world.committed[0] == 5
        world.processes[1].start()
        world.processes[1].batch(9)
        engine = restored._engine  # noqa: SLF001 (the file)
        assert sorted(rows(engine, BOOKINGS)) == [(0, 0), (0, 1)]
        assert (rows(engine, REFUSALS), rows(engine, REPEATS)) == ([(0, 2)], [(0, 3)])
    assert world.letters == letters
    assert world.committed[0] == 5


def test_what_was_booked_before_its_transaction_was_undone_is_told_and_counted_once(tmp_path: Path) -> None:
    """Kafka failed behind the ledger: the same payments come again, and what became of them is known."""
    place, stream = ("legit", 0), io.StringIO()
    paid = [("a", 1), ("b", 1), ("a", 1), ("b", 2), ("c", 1)]
    came = [
        record(payment(transaction_id=name, AMOUNT=amount), partition=0, offset=at)
        for at, (name, amount) in enumerate(paid)
    ]
    with opened(tmp_path / "ledger.sqlite") as ledger:
        processor = LegitProcessor(PAYMENTS, StagedLines(stream), ledger)
        for until in (4, 4, 5):
            processor.resumed([place])
            for one in came[:until]:
                processor.handle(one)
            assert [read.offset for read, _ in processor.refused()] == [3]
            processor.save({place: until})
            assert stream.getvalue() == ""
        processor.committed()
        counted = {one.labels: one.value for one in processor.figures()}
    told = stream.getvalue().splitlines()
    assert [line.startswith("[REPEATED]") for line in told] == [False, False, True, False]
    assert counted == {("booked",): 3, ("duplicate",): 1, ("refused",): 1}
