"""What is sent to databases as text: the same rows as any other way, on each database there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

import fraud_processor.__main__
import legit_processor.__main__
from fraud_processor.cases import store as cases_store
from fraud_processor.cases.alert import Alert, RuleHit
from fraud_processor.outbox import notices
from legit_processor.ledger import store as ledger_store
from legit_processor.ledger.booking import CUSTOMER, Entry
from legit_processor.ledger.store import Booking, Ledger, Place, Refusal, Repeat
from pipeline.contracts.cases import ALERTS, CASES, HITS, NOTICES
from pipeline.contracts.ledger import BOOKINGS, ENTRIES, MARKS, REFUSALS, REPEATS
from pipeline.runtime.database.engine import POSTGRESQL, SQLITE, database_url, open_engine
from pipeline.runtime.database.migrating import migrate
from pipeline.runtime.database.prepared import Prepared, Several
from pipeline.runtime.database.slices import AT_ONCE
from pipeline.runtime.transactional.effects import EffectsError, NotOursError
from tests.support.case_files import cases_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine, Table

NAMES = ("A", "Ä\U0001f600", "'; DROP TABLE bookings; --", "%s ? :name", "\ufffd:00")


@pytest.fixture
def engine(empty_database: str) -> Iterator[Engine]:
    """Provide a database without tables, of each kind that there is."""
    made = open_engine(database_url(empty_database))
    yield made
    made.dispose()


def rows(engine: Engine, table: Table) -> list[tuple[Any, ...]]:
    """Return the rows of a table, in the order of their key, as SQLAlchemy reads them."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]


def test_parameters_in_another_order_are_refused() -> None:
    """Rows would go into the wrong columns."""
    for names in (("log", "at", "partition"), ("log", "partition")):
        with pytest.raises(ValueError, match="parameters are"):
            Prepared(MARKS.insert().values(log=1, partition=2, at=3), names).text(SQLITE)


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL])
def test_every_statement_has_a_text(dialect: str) -> None:
    """On both databases, wherever one of them is not at hand."""
    for module in (ledger_store, cases_store, notices):
        for name, one in vars(module).items():
            found = one if isinstance(one, list) else [one]
            for prepared in found:
                if isinstance(prepared, Prepared):
                    assert prepared.text(dialect).split()[0] in {"INSERT", "UPDATE", "SELECT"}, name


def test_a_ledger_holds_what_it_was_given(engine: Engine) -> None:
    """Names of any kind, and every kind of outcome."""
    migrate(engine, legit_processor.__main__.MIGRATIONS)
    ledger = Ledger(engine, "cluster", "topic", "legit")
    bookings = [
        Booking(
            Place(1, number),
            name,
            bytes([number] * 16),
            -number,
            "EUR",
            [Entry(CUSTOMER, name, -(10**18)), Entry(CUSTOMER, "B", 10**18)],
        )
        for number, name in enumerate(NAMES)
    ]
    repeat, refusal = Repeat(Place(1, 10), NAMES[1]), Refusal(Place(1, 11), NAMES[2], "id_conflict", "why: %s")
    ledger.save({}, {1: 12}, [*bookings, repeat, refusal])
    assert rows(engine, BOOKINGS) == [(1, *one.place, one.transaction_id, one.content, one.at_us) for one in bookings]
    assert rows(engine, ENTRIES) == [
        (1, *one.place, number, CUSTOMER, entry.account, "EUR", entry.minor, one.at_us)
        for one in bookings
        for number, entry in enumerate(one.entries)
    ]
    assert rows(engine, REPEATS) == [(1, 1, 10, NAMES[1])]
    assert rows(engine, REFUSALS) == [(1, 1, 11, NAMES[2], "id_conflict", "why: %s")]
    assert ledger.watermarks([0, 1]) == {1: 12}


def test_any_number_of_ids_is_asked_about(engine: Engine) -> None:
    """None, one, as many as there is a statement for, one more, and more than one statement takes."""
    migrate(engine, legit_processor.__main__.MIGRATIONS)
    ledger = Ledger(engine, "cluster", "topic", "legit")
    known = {f"t{number:04}": bytes([number % 256] * 16) for number in range(0, 2 * AT_ONCE, 2)}
    made = [Booking(Place(0, at), name, content, 0, "EUR", []) for at, (name, content) in enumerate(known.items())]
    ledger.save({}, {0: len(made)}, made)
    for count in (0, 1, 2, 8, 9, 33, AT_ONCE, AT_ONCE + 1, 2 * AT_ONCE):
        ids = {f"t{number:04}" for number in range(count)}
        assert ledger.contents(ids) == {name: content for name, content in known.items() if name in ids}


def test_watermarks_move_from_where_they_were_read_and_from_nowhere_else(engine: Engine) -> None:
    """Of several partitions one that has moved keeps all of them, and all effects; it is named."""
    migrate(engine, legit_processor.__main__.MIGRATIONS)
    ledger = Ledger(engine, "cluster", "topic", "legit")
    ledger.save({}, {0: 5, 1: 6, 2: 7}, [])
    ledger.save({0: 5, 1: 6}, {0: 8, 1: 6}, [])
    with pytest.raises(NotOursError, match=r"^partition 0: effects went to 5 when") as refused:
        ledger.save({0: 5, 1: 6, 2: 7}, {0: 9, 1: 9, 2: 9, 3: 1}, [Repeat(Place(0, 8), "t")])
    assert "partition 1" not in str(refused.value)
    with pytest.raises(EffectsError):  # it was none when we read it
        ledger.save({}, {0: 1}, [])
    assert ledger.watermarks(range(4)) == {0: 8, 1: 6, 2: 7}
    assert rows(engine, REPEATS) == []


def test_cases_hold_what_they_were_given(engine: Engine) -> None:
    """With and without a key, a source, a trace and hits; in new cases and in those that gather."""
    migrate(engine, fraud_processor.__main__.MIGRATIONS)
    cases = cases_in(engine, window_us=10, floors={"low": 0, "high": 3})
    hits = [RuleHit("rule %s", 60, counted=True), RuleHit("other", 40, counted=False)]
    first = Alert(
        0, 0, '{"a":1}', NAMES[1], NAMES[2], "B", "1.00", "EUR", 5, 1, 60, hits, b"\0\xff", b"k", -1, "0:7", "t"
    )
    plain = Alert(0, 1, '{"b":1}', NAMES[3], None, NAMES[4], "2.00", "EUR", 6, 3, 70, [], b"{}")
    cases.save({}, {0: 2}, [first, plain])
    joins, opens = plain._replace(offset=2, time_us=9), plain._replace(offset=3, time_us=50, severity=2)
    cases.save({0: 2}, {0: 4}, [joins, opens])
    told = rows(engine, ALERTS)
    assert [row[:3] for row in told] == [(1, 0, offset) for offset in range(4)]
    assert told[0][4:] == (NAMES[1], NAMES[2], "B", "1.00", "EUR", 5, 1, 60, b"\0\xff", b"k", -1, "0:7", "t")
    assert told[1][4:] == (
        NAMES[3],
        None,
        "\ufffd:" + NAMES[4].encode().hex(),
        "2.00",
        "EUR",
        6,
        3,
        70,
        b"{}",
        None,
        0,
        "",
        None,
    )
    assert rows(engine, HITS) == [(1, 0, 0, 0, "rule %s", 60, True), (1, 0, 0, 1, "other", 40, False)]
    found = {row[0]: (row[1], *row[3:10]) for row in rows(engine, CASES)}
    assert [found[row[3]] for row in (told[0], told[1], told[3])] == [
        ('{"a":1}', True, "open", 1, 60, 1, 5, 5),
        ('{"b":1}', False, "open", 3, 70, 2, 6, 9),
        ('{"b":1}', True, "open", 2, 70, 1, 50, 50),
    ]
    assert told[1][3] == told[2][3]
    noticed = {(row[0], row[1]) for row in rows(engine, NOTICES) if row[2:] == (True, 0, 0, 0)}
    assert noticed == {(told[0][3], "low"), (told[1][3], "low"), (told[1][3], "high"), (told[3][3], "low")}


def test_a_question_knows_few_sizes(tmp_path: Path) -> None:
    """The last value fills up what is left over, and is found once."""
    asked = Several(lambda values: select(MARKS.c.at).where(MARKS.c.at.in_(values)))
    engine = open_engine(database_url(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    migrate(engine, legit_processor.__main__.MIGRATIONS)
    Ledger(engine, "cluster", "topic", "legit").save({}, {partition: partition for partition in range(5)}, [])
    with engine.connect() as connection:
        assert sorted(row[0] for row in asked.rows(connection, [3, 9, 1])) == [1, 3]
        assert connection.execute(select(func.count()).select_from(MARKS)).scalar_one() == 5
    engine.dispose()
