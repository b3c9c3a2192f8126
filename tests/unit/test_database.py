"""Databases beside Kafka: which URLs are taken, how tables come to be, and what is told when it goes wrong."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from fraud_processor.command import main as cases_command
from legit_processor.__main__ import MIGRATIONS
from legit_processor.command import main
from legit_processor.settings import LegitSettings
from pipeline.contracts.ledger import METADATA
from pipeline.errors import SettingsError, StoppedError
from pipeline.runtime.database import engine as engine_module
from pipeline.runtime.database.engine import DatabaseFolderError, begun, database_url, open_engine, shown
from pipeline.runtime.database.migrating import NewerDatabaseError, migrate
from pipeline.runtime.database.startup import DatabaseUnavailableError, until_reached
from pipeline.runtime.transactional.effects import EffectsError


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("sqlite:///data/ledger.sqlite", "sqlite+pysqlite:///data/ledger.sqlite"),
        ("sqlite:////var/lib/ledger.sqlite", "sqlite+pysqlite:////var/lib/ledger.sqlite"),
        ("postgresql://me:pass@host:5432/ledger", "postgresql+psycopg://me:pass@host:5432/ledger"),
        ("postgresql+psycopg://host/ledger", "postgresql+psycopg://host/ledger"),
    ],
)
def test_urls_of_both_databases_are_taken(url: str, taken: str) -> None:
    """With the one driver that is there."""
    assert database_url(url) == taken


@pytest.mark.parametrize(
    "url", ["ledger.sqlite", "mysql://host/ledger", "postgresql+asyncpg://host/x", "sqlite://", ""]
)
def test_other_urls_are_refused_with_what_was_expected(url: str) -> None:
    """What is in memory would be gone with the process."""
    with pytest.raises(ValueError, match="sqlite:/// and a path, or postgresql://"):
        database_url(url)


def test_a_password_is_never_shown() -> None:
    """Neither in an error nor in what settings say of themselves."""
    url = "postgresql://me:hidden@127.0.0.1:1/ledger"
    assert "hidden" not in shown(url)
    assert "hidden" not in repr(LegitSettings.from_env({"LEDGER_DATABASE_URL": url}))
    with pytest.raises(SettingsError) as bad:
        LegitSettings.from_env({"LEDGER_DATABASE_URL": "mysql://me:hidden@host/x"})
    assert "hidden" not in str(bad.value)
    with pytest.raises(EffectsError) as away, begun(open_engine(database_url(url))):
        pytest.fail("nobody listens there")
    assert "hidden" not in str(away.value)
    assert "127.0.0.1" in str(away.value)


def test_migrations_make_what_the_code_knows(tmp_path: Path) -> None:
    """Table by table and column by column; run again they change nothing."""
    engine = open_engine(database_url(f"sqlite:///{tmp_path / 'new' / 'ledger.sqlite'}"))
    for _ in range(2):
        migrate(engine, MIGRATIONS)
    found = inspect(engine)
    assert set(found.get_table_names()) == {*METADATA.tables, "alembic_version"}
    for name, table in METADATA.tables.items():
        columns = {column["name"]: column["nullable"] for column in found.get_columns(name)}
        assert columns == {column.name: column.nullable for column in table.columns}
        assert found.get_pk_constraint(name)["constrained_columns"] == [column.name for column in table.primary_key]
        assert {index["name"] for index in found.get_indexes(name)} == {index.name for index in table.indexes}
    engine.dispose()


def test_replicas_that_start_together_migrate_once(tmp_path: Path) -> None:
    """Those that come later wait, and find it done."""
    url = database_url(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    failures: list[BaseException] = []

    def start() -> None:
        engine = open_engine(url)
        try:
            migrate(engine, MIGRATIONS)
        except BaseException as error:  # noqa: BLE001 (told in the test)
            failures.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []


def test_two_databases_are_migrated_in_one_process(tmp_path: Path) -> None:
    """Guard: Alembic keeps what it works on in a global."""
    engines = [open_engine(database_url(f"sqlite:///{tmp_path / name}")) for name in "abcdef"]
    with ThreadPoolExecutor(len(engines)) as threads:
        list(threads.map(lambda engine: migrate(engine, MIGRATIONS), engines))
    for engine in engines:
        assert set(inspect(engine).get_table_names()) == {*METADATA.tables, "alembic_version"}
        engine.dispose()


def test_a_later_release_is_not_gone_back_behind(tmp_path: Path) -> None:
    """Its tables may mean something else."""
    engine = open_engine(database_url(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    migrate(engine, MIGRATIONS)
    with begun(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerDatabaseError, match="is at migration 9999"):
        migrate(engine, MIGRATIONS)
    engine.dispose()


def test_a_file_that_another_process_holds_is_waited_for_and_then_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader is not held up by it."""
    monkeypatch.setattr(engine_module, "BUSY_SECONDS", 0.1)
    path = tmp_path / "ledger.sqlite"
    engine = open_engine(database_url(f"sqlite:///{path}"))
    migrate(engine, MIGRATIONS)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with begun(engine, reading=True) as connection:
        assert connection.execute(text("SELECT count(*) FROM bookings")).scalar_one() == 0
    with pytest.raises(EffectsError, match="database is locked"), begun(engine):
        pytest.fail("another process writes")
    other.close()
    engine.dispose()


def test_a_ledger_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And not made by who only asks."""
    path = tmp_path / "none.sqlite"
    assert main(["trial-balance"], {"LEDGER_DATABASE_URL": f"sqlite:///{path}"}) == 69
    assert "there is no sqlite" in capsys.readouterr().err
    assert not path.exists()
    assert main(["trial-balance"], {"LEDGER_DATABASE_URL": "mysql://x/y"}) == 2
    assert "LEDGER_DATABASE_URL must be" in capsys.readouterr().err


def test_a_database_that_is_away_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """With a warning each time; then an error says where it was looked for."""
    tries = iter([EffectsError("away"), EffectsError("away"), None])

    def reach() -> str:
        error = next(tries)
        if error is not None:
            raise error
        return "there"

    assert until_reached(reach, "LEDGER_DATABASE_URL", 60, lambda _: False) == "there"
    assert caplog.text.count("trying again") == 2
    tries = iter([EffectsError("away")])
    with pytest.raises(DatabaseUnavailableError, match="away; see LEDGER_DATABASE_URL") as gone:
        until_reached(reach, "LEDGER_DATABASE_URL", 0, lambda _: False)
    assert gone.value.exit_code == 69
    tries = iter([EffectsError("away")])
    with pytest.raises(StoppedError):
        until_reached(reach, "LEDGER_DATABASE_URL", 60, lambda _: True)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """As in a container that may write nowhere."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseFolderError, match="cannot be made for sqlite"):
        open_engine(database_url(f"sqlite:///{tmp_path / 'file' / 'ledger.sqlite'}"))


def test_connections_that_are_all_taken_are_waited_for_and_then_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks too much of a database is told to try again; nothing ends for it."""
    monkeypatch.setattr(engine_module, "BUSY_SECONDS", 0.1)
    engine = open_engine(database_url(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    with ExitStack() as stack:
        for _ in range(15):
            stack.enter_context(begun(engine, reading=True))
        with pytest.raises(EffectsError, match="limit of size"), begun(engine, reading=True):
            pytest.fail("there are no more")
    with begun(engine, reading=True) as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()


def test_what_has_no_tables_yet_is_told(empty_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By every command that asks it, with the name of the database."""
    if empty_database.startswith("sqlite"):
        Path(empty_database.removeprefix("sqlite:///")).touch()
    for ask, name in ((main, "LEDGER_DATABASE_URL"), (cases_command, "CASES_DATABASE_URL")):
        arguments = ["trial-balance"] if ask is main else ["list"]
        assert ask(arguments, {name: empty_database}) == 69
        said = capsys.readouterr().err
        assert shown(database_url(empty_database)) in said
        assert "no such table" in said or "does not exist" in said


def test_a_file_that_is_no_database_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As one is that cannot be read."""
    path = tmp_path / "notes.txt"
    path.write_text("what somebody wrote down " * 100)
    assert main(["trial-balance"], {"LEDGER_DATABASE_URL": f"sqlite:///{path}"}) == 69
    assert "file is not a database" in capsys.readouterr().err
