"""Which way records take: as asked for where the client allows it, and never without saying so."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import kafka
import pytest
from kafka.consumer.fetcher import Fetcher
from kafka.record import util

from pipeline.runtime.batches import compatible
from pipeline.runtime.batches.sending import BatchSender
from pipeline.runtime.record_path import BATCHES, RECORDS, record_path
from pipeline.runtime.transactional.senders import RecordSender


def chosen(wanted: str, caplog: pytest.LogCaptureFixture) -> tuple[str, list[str]]:
    """Return the way that is taken, and what is said of it."""
    with caplog.at_level(logging.DEBUG):
        found = record_path(wanted, is_input=True)
    assert all(line.levelno == logging.WARNING for line in caplog.records)
    return found.name, [line.getMessage() for line in caplog.records]


def prepared(wanted: str) -> tuple[Any, Any]:
    """Return the client's reader of partitions, and its way to fetch, of a consumer that was prepared for a way."""
    fetcher = SimpleNamespace(
        PartitionRecords=Fetcher.PartitionRecords,
        fetch_records=Fetcher.fetch_records,
        config={"fetch_max_wait_ms": 100},
        _manager=None,
    )
    group = SimpleNamespace(ensure_coordinator_ready=None)
    record_path(wanted, is_input=True).prepare(SimpleNamespace(_fetcher=fetcher, close=None, _coordinator=group))
    return fetcher.PartitionRecords, fetcher.fetch_records


def test_batches_are_taken_where_the_client_was_tested(caplog: pytest.LogCaptureFixture) -> None:
    """The client that the requirements lock is one of those: nothing has to be said."""
    assert kafka.__version__ in compatible.TESTED
    assert chosen(BATCHES, caplog) == (BATCHES, [])


def test_records_are_taken_silently_where_they_were_asked_for(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who wants them has them, with any client."""
    monkeypatch.setattr(compatible, "TESTED", ())
    assert chosen(RECORDS, caplog) == (RECORDS, [])


@pytest.mark.parametrize("version", ["3.0.11", "3.0.13", "3.0.12.dev0", "4.0.0", ""])
def test_a_version_that_was_not_tested_falls_back_and_says_so(
    version: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the one right before or behind: the path leans on names that any release may change."""
    monkeypatch.setattr(kafka, "__version__", version)
    name, (told,) = chosen(BATCHES, caplog)
    assert name == RECORDS
    assert f"kafka-python {version} was not tested" in told
    assert "3.0.12" in told


def test_without_fast_checksums_it_falls_back_and_says_what_is_missing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client would calculate them in Python, slower than single records are."""
    monkeypatch.setattr(util, "crc32c_c", None)
    name, (told,) = chosen(BATCHES, caplog)
    assert name == RECORDS
    assert "crc32c is not installed" in told


def test_reading_and_writing_go_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way that is taken decides about both sides, and about this consumer alone."""
    assert isinstance(record_path(BATCHES, is_input=True).make_sender(), BatchSender)
    own = Fetcher.PartitionRecords, Fetcher.fetch_records
    assert all(ours is not theirs for ours, theirs in zip(prepared(BATCHES), own, strict=True))
    monkeypatch.setattr(compatible, "TESTED", ())
    assert isinstance(record_path(BATCHES, is_input=True).make_sender(), RecordSender)
    assert prepared(BATCHES) == own
