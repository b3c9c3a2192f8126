"""Fixtures of all tests: one real Kafka for the session, and a deployment of its own on it for each test."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline.runtime.compiled import StaleBuildError, how_it_runs, refuse_stale_build
from pipeline.runtime.record_path import BATCHES, RECORD_PATH
from tests.support.broker import Broker, NoBrokerError, running_broker
from tests.support.deployment import Deployment
from tests.support.postgres import NoPostgresError, database, postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def pytest_configure() -> None:
    """Refuse to test what was compiled from other sources than those at hand."""
    try:
        refuse_stale_build()
    except StaleBuildError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_report_header() -> str:
    """Say what is tested."""
    return f"innermost loop: {how_it_runs()}"


@pytest.fixture(scope="session")
def kafka() -> Iterator[Broker]:
    """Provide a real Kafka; with CI=true it is an error that there is none."""
    try:
        with running_broker() as broker:
            sys.stderr.write(f"\ntests run on {broker.origin} at {broker.bootstrap}\n")
            yield broker
    except NoBrokerError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must have a Kafka: {error}")
        pytest.skip(str(error))


@pytest.fixture
def record_path() -> str:
    """Provide the way of records through the services; ``on_both_paths`` of ``tests.support.parts`` takes each."""
    return BATCHES


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Provide the URL of a PostgreSQL for all tests that need one; who has none is told what to do."""
    try:
        with postgres() as url:
            yield url
    except NoPostgresError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Provide the URL of an empty database: a file, and one of PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'effects.sqlite'}"
        return
    with database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture
def deploy(kafka: Broker, record_path: str) -> Iterator[Callable[..., Deployment]]:
    """Provide a maker of deployments, whose topics are created; its keywords are variables of the services."""
    made: list[Deployment] = []

    def make(partitions: int = 2, **variables: str) -> Deployment:
        deployment = Deployment(kafka.bootstrap, {RECORD_PATH.name: record_path, **variables}, partitions)
        made.append(deployment)
        deployment.provision()
        return deployment

    yield make
    for deployment in made:
        deployment.end()
