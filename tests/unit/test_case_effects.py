"""Alerts are in one case each, whatever fails between the database and Kafka, and whoever goes on."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, inspect, select

from fraud_processor.cases.gathering import gather
from fraud_processor.cases.subject import subject_text
from fraud_processor.handler import FraudProcessor
from pipeline.contracts.cases import ALERTS, CASES, HITS, METADATA
from pipeline.contracts.codec import with_verdict
from pipeline.contracts.messages import Hit, Verdict
from pipeline.runtime.lines import StagedLines
from pipeline.runtime.transactional.effects import EffectsError, NotOursError
from tests.support.case_files import cases_in, opened
from tests.unit.samples import TRANSFERS, record, transfer

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from fraud_processor.cases.store import Cases
    from pipeline.contracts.records import Record

PARTITIONS = 2
WINDOW_US = 3_600_000_000
FRAUDS = st.tuples(st.sampled_from("AB"), st.integers(0, 5), st.sampled_from(["low", "high"]))  # whose, hour, how bad
EVENTS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(1, 4), st.sampled_from(["none", "before", "after", "killed after"])),
    max_size=12,
)


def fraud(partition: int, offset: int, account: str, hour: int, severity: str) -> Record:
    """Return a record of the fraud topic."""
    hit = Hit(rule="r", severity=severity, score=100 + hour, message="m", values={}, key={"source": account})
    told = Verdict(ruleset="v", score=100 + hour, hits=[hit])
    value = transfer(transaction_id=f"{partition}-{offset}", source=account, timestamp=f"2026-11-23T0{hour}:00:00Z")
    return record(with_verdict(value, told), partition=partition, offset=offset)


def processor_of(cases: Cases) -> FraudProcessor:
    """Return a processor that tells nobody."""
    return FraudProcessor(TRANSFERS, StagedLines(io.StringIO()), cases, lambda: None)


class Process:
    """A processor that reads all partitions from where the database says."""

    def __init__(self, engine: Engine, log: list[list[Record]]) -> None:
        self._engine, self._log = engine, log
        self.start()

    def start(self) -> None:
        """Begin anew, as after a kill."""
        self.processor = FraudProcessor(
            TRANSFERS, StagedLines(io.StringIO()), cases_in(self._engine, WINDOW_US), lambda: None
        )
        self.rewind()

    def rewind(self, below: int = 0) -> None:
        """Go to where reading begins; ``below`` the watermarks by so much, as where Kafka's offsets are behind."""
        saved = self.processor.resumed([("fraud", partition) for partition in range(PARTITIONS)])
        self.positions = {
            partition: max(0, saved.get(("fraud", partition), 0) - below) for partition in range(PARTITIONS)
        }

    def batch(self, most: int, fault: str = "none") -> None:
        """Take some records of each partition through a transaction."""
        ends = dict(self.positions)
        for partition, position in self.positions.items():
            for read in self._log[partition][position : position + most]:
                self.processor.handle(read)
                ends[partition] = read.offset + 1
        if fault != "before":
            self.processor.save({("fraud", partition): end for partition, end in ends.items()})
        if fault == "none":
            self.processor.committed()
            self.positions = ends
        elif fault == "killed after":
            self.start()
        else:
            self.processor.aborted()
            self.rewind(below=1)


def test_migrations_make_what_the_code_knows(tmp_path: Path) -> None:
    """Table by table and column by column."""
    with opened(f"sqlite:///{tmp_path / 'cases.sqlite'}") as engine:
        found = inspect(engine)
        assert set(found.get_table_names()) == {*METADATA.tables, "alembic_version"}
        for name, table in METADATA.tables.items():
            columns = {column["name"]: column["nullable"] for column in found.get_columns(name)}
            assert columns == {column.name: column.nullable for column in table.columns}
            assert found.get_pk_constraint(name)["constrained_columns"] == [column.name for column in table.primary_key]
            indexes = {
                index["name"]: (bool(index["unique"]), index["column_names"]) for index in found.get_indexes(name)
            }
            assert indexes == {
                str(index.name): (index.unique, [column.name for column in index.columns]) for index in table.indexes
            }


@given(st.lists(st.lists(FRAUDS, max_size=8), min_size=PARTITIONS, max_size=PARTITIONS), EVENTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
def test_each_fraud_is_in_one_case(
    tmp_path_factory: pytest.TempPathFactory, log: list[list[tuple[str, int, str]]], events: list[tuple[Any, ...]]
) -> None:
    """Once; figures of a case are those of its alerts; of a subject one case gathers, the newest."""
    records = [[fraud(number, offset, *one) for offset, one in enumerate(frauds)] for number, frauds in enumerate(log)]
    with opened(f"sqlite:///{tmp_path_factory.mktemp('cases') / 'cases.sqlite'}") as engine:
        processes = [Process(engine, records) for _ in range(2)]
        for which, most, fault in events:
            processes[which].rewind()
            processes[which].batch(most, fault)
        processes[0].rewind()
        for _ in range(8):
            processes[0].batch(1)
        with engine.connect() as connection:
            alerts = connection.execute(select(ALERTS)).all()
            cases = connection.execute(select(CASES)).all()
            hits = connection.execute(select(HITS)).all()
    places = [(partition, offset) for partition, frauds in enumerate(log) for offset in range(len(frauds))]
    assert sorted((one.partition, one.offset) for one in alerts) == places
    assert len(hits) == len(places)
    by_place = {(read.partition, read.offset): read for some in records for read in some}
    assert all(one.content == by_place[one.partition, one.offset].value for one in alerts)
    for case in cases:
        mine = [one for one in alerts if one.case_id == case.id]
        assert {subject_text({"source": one.source}) for one in mine} == {case.subject}
        assert case.alerts == len(mine)
        assert (case.first, case.last) == (min(one.time for one in mine), max(one.time for one in mine))
        assert (case.severity, case.score) == (max(one.severity for one in mine), max(one.score for one in mine))
    for account in {one.source for one in alerts}:
        here = [case for case in cases if case.subject == subject_text({"source": account})]
        assert [case.gathers for case in here] == [False] * (len(here) - 1) + [True]


@given(st.lists(FRAUDS, min_size=1, max_size=20), st.integers(1, 20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_cases_do_not_depend_on_how_the_log_was_cut(
    tmp_path_factory: pytest.TempPathFactory, log: list[tuple[str, int, str]], most: int
) -> None:
    """Against gathering the whole partition at once, without a database."""
    records = [[fraud(0, offset, *one) for offset, one in enumerate(log)], []]
    with opened(f"sqlite:///{tmp_path_factory.mktemp('cases') / 'cases.sqlite'}") as engine:
        process = Process(engine, records)
        for _ in range(len(log)):
            process.batch(most)
        with engine.connect() as connection:
            found = connection.execute(select(CASES).order_by(CASES.c.id)).all()
    processor = processor_of(cases_in(engine, WINDOW_US))
    for read in records[0]:
        processor.handle(read)
    alerts = processor._alerts  # noqa: SLF001 (what the handler makes of records)
    for account in "AB":
        mine = [one for one in alerts if one.source == account]
        expected = [one.case for one in gather(None, mine, WINDOW_US)]
        told = [case for case in found if case.subject == subject_text({"source": account})]
        assert [(case.alerts, case.severity, case.score, case.first, case.last) for case in told] == [
            (case.alerts, case.severity, case.score, case.first_us, case.last_us) for case in expected
        ]


def test_of_two_processes_one_saves(tmp_path: Path) -> None:
    """The other finds that the watermark is not where it was, and saves nothing of its own."""
    place = ("fraud", 0)
    with opened(f"sqlite:///{tmp_path / 'cases.sqlite'}") as engine:
        processors = [processor_of(cases_in(engine)) for _ in range(2)]
        for processor in processors:
            assert processor.resumed([place]) == {}
            processor.handle(fraud(0, 0, "A", 1, "high"))
        processors[0].save({place: 1})
        with pytest.raises(EffectsError):
            processors[1].save({place: 1})
        assert processors[1].resumed([place]) == {place: 1}
        processors[0].committed()
        processors[0].save({place: 2})
        with pytest.raises(NotOursError, match="another process has saved more"):
            processors[1].save({place: 2})
        with engine.connect() as connection:
            assert connection.execute(select(CASES.c.alerts)).scalars().all() == [1]


def test_a_disk_that_is_full_is_waited_for(tmp_path: Path) -> None:
    """What could not be saved is saved when there is room again; until then nothing of it is there."""
    place = ("fraud", 0)
    with opened(f"sqlite:///{tmp_path / 'cases.sqlite'}") as engine:
        processor = processor_of(cases_in(engine))
        processor.resumed([place])
        for offset in range(200):
            processor.handle(fraud(0, offset, "A", 1, "high"))
        room = [0]

        def bound(connection: Any, _record: object) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages + room[0]}")

        event.listen(engine, "connect", bound)
        engine.dispose()
        with pytest.raises(EffectsError, match="full"):
            processor.save({place: 200})
        with engine.connect() as connection:
            assert connection.execute(select(CASES)).all() == []
        room[0] = 1_000
        engine.dispose()
        processor.save({place: 200})
        with engine.connect() as connection:
            assert connection.execute(select(CASES.c.alerts)).scalars().all() == [200]


def test_what_was_saved_before_its_transaction_was_undone_is_counted_once_and_sent(tmp_path: Path) -> None:
    """Kafka failed behind the cases: whoever sends need not wait for it."""
    place, woken = ("fraud", 0), threading.Event()
    with opened(f"sqlite:///{tmp_path / 'cases.sqlite'}") as engine:
        processor = FraudProcessor(TRANSFERS, StagedLines(io.StringIO()), cases_in(engine), woken.set)
        for until in (2, 3):
            processor.resumed([place])
            for offset in range(until):
                processor.handle(fraud(0, offset, "A", 1, "high"))
            assert not woken.is_set()
            processor.save({place: until})
            assert woken.is_set()
            woken.clear()
            assert [one.value for one in processor.figures()] == [until]
        processor.committed()
        assert [one.value for one in processor.figures()] == [3]
