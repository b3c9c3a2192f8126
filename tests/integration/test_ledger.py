"""Payments in the ledger, on a real Kafka: each once, whoever is killed, and asked for by the commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event, func, select, text

from legit_processor.ledger.reading import balances, trial_balance
from legit_processor.settings import LegitSettings
from pipeline.contracts import topics
from pipeline.contracts.ledger import BOOKINGS, ENTRIES, REPEATS
from pipeline.runtime.database.engine import SQLITE, begun, open_engine
from pipeline.runtime.transactional.start import LostOffsetsError
from tests.support.deployment import WITHIN, headers_of
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from tests.support.deployment import Deployment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("LEDGER_KILLS", "3"))
PAYMENTS = 800 * KILLS  # a hundred accounts pay alike
REPLICAS = 2
DISTURBANCES = 5


def paid(number: int, amount: str = "7.50", name: str | None = None) -> bytes:
    """Return a transfer between two of a hundred accounts."""
    members = {"transaction_id": name or f"t{number}", "source": f"A{number % 100}", "target": f"B{number % 7}"}
    return json.dumps(members | {"amount": Decimal(amount), "currency": "EUR"}, default=float).encode()


@pytest.fixture
def asked(empty_database: str) -> Iterator[Callable[[Deployment], Connection]]:  # noqa: ARG001 (which outlives it)
    """Provide what opens the ledger of a deployment for reading."""
    opened: list[Any] = []

    def open_(pipeline: Deployment) -> Connection:
        engine = open_engine(LegitSettings.from_env(pipeline.environ).database)
        context = begun(engine, reading=True)
        connection = context.__enter__()
        opened.append((engine, context))
        return connection

    yield open_
    for engine, context in opened:
        context.__exit__(None, None, None)
        engine.dispose()


def count(connection: Connection, table: Any) -> int:
    """Return how many rows a table has."""
    found: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return found


def command(pipeline: Deployment, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Ask the ledger by a command."""
    return subprocess.run(
        [sys.executable, "-m", "legit_processor", *arguments],
        cwd=ROOT,
        env={**pipeline.environ, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_payment_is_booked_once_and_another_under_its_id_is_a_dead_letter(
    deploy: Callable[..., Deployment], asked: Callable[[Deployment], Connection], empty_database: str
) -> None:
    """Sent again by an upstream, it is a repeat; the commands tell what the ledger has."""
    pipeline = deploy(partitions=1, LEDGER_DATABASE_URL=empty_database)
    with pipeline.running("detector", "legit_processor") as printed:
        pipeline.put(paid(0), paid(0), paid(0, "8.00"), paid(1))
        pipeline.wait_until_booked(4)
    assert pipeline.audit().clean
    (letter,) = pipeline.records(topics.dead_letters_of(topics.LEGIT))
    assert headers_of(letter)["pipeline.reason"] == b"id-conflict"
    connection = asked(pipeline)
    assert (count(connection, BOOKINGS), count(connection, ENTRIES), count(connection, REPEATS)) == (2, 4, 1)
    lines = printed["legit_processor"].getvalue().splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["[TRANSFER]", "[REPEATED]", "[TRANSFER]"]
    told = command(pipeline, "balance", "B0", "--json")
    assert (told.returncode, json.loads(told.stdout)) == (0, {"currency": "EUR", "amount": "7.50", "entries": 1})
    (line,) = command(pipeline, "statement", "A1", "--json").stdout.splitlines()
    assert json.loads(line)["amount"] == "-7.50"
    assert "EUR" in command(pipeline, "trial-balance").stdout
    nobody = command(pipeline, "balance", "nobody")
    assert (nobody.returncode, nobody.stderr) == (1, "legit_processor: nothing was booked on nobody\n")


def test_kills_book_nothing_twice_and_lose_nothing(
    deploy: Callable[..., Deployment], asked: Callable[[Deployment], Connection], tmp_path: Path, empty_database: str
) -> None:
    """Two replicas on one database, killed again and again while they settle; every tenth payment comes twice."""
    pipeline = deploy(partitions=3, MAX_BATCH_RECORDS="50", LEDGER_DATABASE_URL=empty_database)
    log, chance = tmp_path / "processor.log", Random(3)  # noqa: S311 (no secret)
    values = [paid(number) for number in range(PAYMENTS)]
    values += values[::10]
    with pipeline.running("detector"):
        pipeline.put_many(values)
        processors = [pipeline.spawn("legit_processor", log) for _ in range(REPLICAS)]
        for number in range(1, KILLS + 1):
            handled = number * len(values) // (KILLS + 2)
            eventually(
                lambda least=handled: settled(pipeline) >= least,  # type: ignore[misc]
                WITHIN,
                f"{handled} to be settled",
            )
            killed = processors.pop(chance.randrange(REPLICAS))
            killed.kill()
            killed.wait(10)
            processors.append(pipeline.spawn("legit_processor", log))
        pipeline.wait_until_booked(len(values))
    assert pipeline.audit().clean
    connection = asked(pipeline)
    assert count(connection, BOOKINGS) == PAYMENTS
    assert count(connection, REPEATS) == len(values) - PAYMENTS
    assert count(connection, ENTRIES) == 2 * PAYMENTS
    (total,) = trial_balance(connection)
    assert (total.sum, total.credits) == (Decimal(0), PAYMENTS * Decimal("7.50"))
    (balance,) = balances(connection, "A0")
    assert balance.amount == -Decimal("7.50") * (PAYMENTS // 100)


def test_connections_that_break_and_a_file_that_is_held_lose_nothing(
    deploy: Callable[..., Deployment], asked: Callable[[Deployment], Connection], empty_database: str
) -> None:
    """PostgreSQL ends all connections again and again, as where it starts anew; a file is held by somebody else."""
    pipeline = deploy(partitions=2, MAX_BATCH_RECORDS="20", LEDGER_DATABASE_URL=empty_database)
    payments = 600
    engine = open_engine(LegitSettings.from_env(pipeline.environ).database)
    with pipeline.running("detector", "legit_processor"):
        pipeline.put_many([paid(number) for number in range(payments - DISTURBANCES)])
        for number in range(1, DISTURBANCES + 1):
            eventually(lambda least=20 * number: settled(pipeline) >= least, WITHIN, "more to be settled")  # type: ignore[misc]
            disturb(engine, lambda late=payments - number: pipeline.put(paid(late)))  # type: ignore[misc]
        pipeline.wait_until_booked(payments)
    engine.dispose()
    assert pipeline.audit().clean
    assert count(asked(pipeline), BOOKINGS) == payments


def settled(pipeline: Deployment) -> int:
    """Return how many payments are committed."""
    return sum(pipeline.committed("legit_processor").values())


def disturb(engine: Engine, add: Callable[[], object]) -> None:
    """Break all connections of a database, or hold its file until the service that has more to settle wants it."""
    if engine.dialect.name == SQLITE:
        wanted = threading.Event()

        def want(_: Connection) -> None:
            wanted.set()

        with engine.begin():
            event.listen(Engine, "begin", want)
            try:
                add()
                assert wanted.wait(WITHIN)
            finally:
                event.remove(Engine, "begin", want)
        return
    add()
    others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid()"
    )
    with engine.begin() as connection:
        connection.execute(others)


def test_another_database_is_refused(deploy: Callable[..., Deployment], tmp_path: Path) -> None:
    """What was settled would be settled again; a person may say that this is meant."""
    pipeline = deploy(partitions=1)
    with pipeline.running("detector", "legit_processor"):
        pipeline.put(paid(0))
        pipeline.wait_until_booked(1)
    other = {"LEDGER_DATABASE_URL": f"sqlite:///{tmp_path / 'other.sqlite'}"}
    pipeline.environ.update(other)
    with pytest.raises(LostOffsetsError, match="the database knows nothing of it"), pipeline.running("legit_processor"):
        eventually(lambda: not pipeline.serving("legit_processor"), WITHIN, "the refusal")
    pipeline.environ.update(LOST_EFFECTS="beginning")
    with pipeline.running("detector", "legit_processor"):
        pipeline.put(paid(1))
        pipeline.wait_until_booked(2)
    assert command(pipeline, "trial-balance", "--json").stdout.count("15.00") == 2
