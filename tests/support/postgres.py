"""The real PostgreSQL that tests run on: one that is named, else one in Docker, else one that is installed here."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from testcontainers.core.container import DockerContainer

from tests.support.broker import docker_answers
from tests.support.compose import free_ports
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

URL_VARIABLE: Final = "POSTGRES_TEST_URL"
IMAGE: Final = "postgres:17"
WITHIN: Final = 60.0


class NoPostgresError(Exception):
    """No PostgreSQL can be had here; the sentence says what was tried."""


@contextmanager
def postgres() -> Iterator[str]:
    """Yield the URL of a server, without a database's name.

    Raises:
        NoPostgresError: there is none, and none can be started.

    """
    named = os.environ.get(URL_VARIABLE, "").rstrip("/")
    if named:
        yield named
    elif docker_answers() and _has_image():
        with _in_docker() as url:
            yield url
    elif (binaries := _binaries()) is not None:
        with _installed(binaries) as url:
            yield url
    else:
        raise NoPostgresError(f"set {URL_VARIABLE}, have Docker with {IMAGE}, or install PostgreSQL (initdb, pg_ctl)")


@contextmanager
def database(server: str) -> Iterator[str]:
    """Yield the URL of an empty database, which is removed at the end."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    engine = create_engine(_by_driver(f"{server}/postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield f"{server}/{name}"
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


def _by_driver(url: str) -> str:
    return url.replace("postgresql:", "postgresql+psycopg:", 1)


def _has_image() -> bool:
    asked = subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False, timeout=30)
    return asked.returncode == 0


@contextmanager
def _in_docker() -> Iterator[str]:
    password = uuid.uuid4().hex
    container = DockerContainer(IMAGE).with_exposed_ports(5432).with_env("POSTGRES_PASSWORD", password)
    with container:
        host, port = container.get_container_host_ip(), container.get_exposed_port(5432)
        url = f"postgresql://postgres:{password}@{host}:{port}"
        _wait_for(url)
        yield url


def _binaries() -> Path | None:
    found = shutil.which("pg_ctl")
    if found is not None:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@contextmanager
def _installed(binaries: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        (port,) = free_ports(1)
        data, log = Path(folder) / "data", Path(folder) / "log"
        # PostgreSQL does not run as root.
        as_whom = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
        if as_whom:
            shutil.chown(folder, "nobody")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder}"
        make = [*as_whom, str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust"]
        control = [*as_whom, str(binaries / "pg_ctl"), "-D", str(data), "-l", str(log), "-w"]
        subprocess.run(make, check=True, capture_output=True, cwd=folder)
        subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        try:
            url = f"postgresql://postgres@127.0.0.1:{port}"
            _wait_for(url)
            yield url
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd=folder)


def _wait_for(url: str) -> None:
    engine = create_engine(_by_driver(f"{url}/postgres"))

    def answers() -> bool:
        try:
            with engine.connect() as connection:
                return bool(connection.execute(text("SELECT 1")).scalar_one() == 1)
        except OperationalError:
            return False

    try:
        eventually(answers, WITHIN, f"PostgreSQL at {url.rpartition('@')[2]}")
    finally:
        engine.dispose()
