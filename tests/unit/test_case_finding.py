"""Which case a fraud is in, asked of both databases: the right one, by an index, however many there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text

from fraud_processor.cases.alert import Alert
from fraud_processor.cases.finding import MOST, Sought, of_record, of_transaction
from fraud_processor.cases.store import Cases
from pipeline.runtime.database.engine import SQLITE, begun
from pipeline.runtime.service import Source
from tests.support.case_files import DAY_US, cases_in, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sqlalchemy import Engine

FRAUDS = "streaming.transactions.fraud"
NASTY = ["plain", "\0", "\ud800", "\ufffd:00", "é\u202e", "x" * 256, "'; DROP TABLE alerts;--", "100%_"]


@pytest.fixture
def engine(empty_database: str) -> Iterator[Engine]:
    """Provide an empty database of cases, of each kind."""
    with opened(empty_database) as made:
        yield made


def alert(offset: int, name: str, account: str = "A", time_us: int = 0) -> Alert:
    """Return a fraud."""
    subject = json.dumps({"source": account})
    return Alert(0, offset, subject, name, account, "B", "1.00", "EUR", time_us, 2, 100, [], b"{}")


def test_whatever_an_id_is_it_is_found(engine: Engine) -> None:
    """Each finds its own record, and no other's."""
    cases_in(engine).save({}, {0: len(NASTY)}, [alert(at, name, f"A{at}") for at, name in enumerate(NASTY)])
    with begun(engine, reading=True) as connection:
        for at, name in enumerate(NASTY):
            asked = name if name != "\ufffd:00" else "\ufffd:" + name.encode().hex()  # as it is told
            (found,) = of_transaction(connection, asked)
            assert (found.place, found.case.subject) == (f"0:{at}", {"source": f"A{at}"})
            assert of_transaction(connection, found.transaction_id) == [found]
            assert of_record(connection, FRAUDS, 0, at) == Sought(read=True, found=found)
        for unknown in ("", "\ufffd:", "\ufffd:\0", "\ufffd:\ud800", "\ufffd:zz", "x" * 2_100, "\U0010ffff"):
            assert of_transaction(connection, unknown) == []


def test_an_id_that_was_written_twice_is_in_two_cases(engine: Engine) -> None:
    """The latest first, no more than was asked for; where a record stands tells them apart."""
    frauds = [alert(at, "same", f"A{at}", time_us=at) for at in range(MOST + 1)]
    cases_in(engine).save({}, {0: len(frauds)}, frauds)
    with begun(engine, reading=True) as connection:
        found = of_transaction(connection, "same", 2)
        assert [one.place for one in found] == [f"0:{MOST}", f"0:{MOST - 1}"]
        assert found[0].case.id != found[1].case.id
        assert len(of_transaction(connection, "same", MOST + 1)) == MOST
        assert of_record(connection, FRAUDS, 0, MOST).found == found[0]


def test_what_is_not_saved_yet_is_told_from_what_is_in_no_case(engine: Engine) -> None:
    """By how far the partition is saved: behind it the fraud processor may still come to a record."""
    cases_in(engine).save({}, {0: 5}, [alert(4, "last")])
    with begun(engine, reading=True) as connection:
        assert of_record(connection, FRAUDS, 0, 4).found
        assert of_record(connection, FRAUDS, 0, 3) == Sought(read=True, found=None)
        for topic, partition, offset in ((FRAUDS, 0, 5), (FRAUDS, 1, 0), ("other", 0, 4)):
            assert of_record(connection, topic, partition, offset) == Sought(read=False, found=None)


def test_of_topics_of_one_name_the_last_one_counts(engine: Engine) -> None:
    """One that was deleted and made anew begins at nought again, and what was in the one before is not told of it."""
    for number, name in enumerate(("before", "anew")):
        cases = Cases(engine, DAY_US, {}, Source("cluster", f"topic-{number}", FRAUDS))
        cases.save({}, {0: 2 - number}, [alert(at, name) for at in range(2 - number)])
    with begun(engine, reading=True) as connection:
        found = of_record(connection, FRAUDS, 0, 0).found
        assert found is not None
        assert found.transaction_id == "anew"
        assert not of_record(connection, FRAUDS, 0, 1).read


def test_no_question_reads_all_alerts(engine: Engine) -> None:
    """Each is answered by an index, in the words of the database itself."""
    cases_in(engine).save({}, {0: 1}, [alert(0, "x")])
    asked: list[tuple[str, Any]] = []

    def noted(*given: Any) -> None:
        asked.append((given[2], given[3]))

    with begun(engine, reading=True) as connection:
        event.listen(connection, "before_cursor_execute", noted)
        of_transaction(connection, "x")
        of_record(connection, FRAUDS, 0, 0)
        event.remove(connection, "before_cursor_execute", noted)
    is_sqlite = engine.dialect.name == SQLITE
    plans = []
    with engine.connect() as connection:
        if not is_sqlite:
            connection.execute(text("SET enable_seqscan = off"))  # it reads a small table whole
        for statement, values in asked:
            told = connection.exec_driver_sql(("EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN ") + statement, values)
            plans.append("\n".join(str(row) for row in told))
    by_id, _, by_mark, by_place = plans
    assert "alerts_by_transaction" in by_id
    assert ("sqlite_autoindex_alerts_1" if is_sqlite else "alerts_pkey") in by_place
    assert ("sqlite_autoindex_watermarks_1" if is_sqlite else "watermarks_pkey") in by_mark
    assert "SCAN alerts" not in by_id + by_place
