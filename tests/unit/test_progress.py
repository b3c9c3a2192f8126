"""What the loop tells of itself: a line a second at most, and never of what was aborted."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.structs import TopicPartition

from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.runtime.transactional import progress
from pipeline.runtime.transactional.progress import REPORT_SECONDS, Progress
from tests.unit.fake_parts import batch_of
from tests.unit.samples import record

ERROR = InvalidMessageError(Reason.EMPTY, "the value is empty")


def lines(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """Return what was logged."""
    return list(caplog.records)


class Clock:
    """A clock that a test moves."""

    now = 100.0

    def monotonic(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Provide the clock that reports go by."""
    clock = Clock()
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


@pytest.fixture(autouse=True)
def level(caplog: pytest.LogCaptureFixture) -> None:
    """Let everything be logged."""
    caplog.set_level(logging.INFO)


def test_what_was_committed_is_told_once_a_second(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Hundreds of batches are one line, with their records and where each partition stands."""
    tells = Progress()
    for first in range(0, 600, 2):
        tells.add(batch_of(first, first + 1), 0.01)
        tells.report_if_due()
    assert caplog.records == []
    clock.now += REPORT_SECONDS
    tells.report_if_due()
    tells.report_if_due()
    (line,) = lines(caplog)
    assert (line.message, line.records, line.batches, line.offsets) == ("committed", 600, 300, {0: 600})


def test_an_idle_loop_tells_nothing(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """No line says that there is nothing to say."""
    tells = Progress()
    for _ in range(5):
        clock.now += REPORT_SECONDS
        tells.report_if_due()
    tells.report()
    assert caplog.records == []


def test_dead_letters_are_told_by_reason_with_the_first_of_each(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand bad records are a line, which says how many and where to look."""
    tells = Progress()
    for offset in range(1_000):
        tells.add_letter(record(b"", offset=offset), ERROR)
    tells.add_letter(record(None, offset=7), InvalidMessageError(Reason.TOMBSTONE, "no value"))
    tells.add(batch_of(0), 0.01)
    tells.report()
    assert [line.message for line in lines(caplog)[1:]] == [
        "dead letters: 1000 empty, the first input:3:0: the value is empty",
        "dead letters: 1 tombstone, the first input:3:7: no value",
    ]
    assert {line.levelname for line in lines(caplog)[1:]} == {"WARNING"}


def test_dead_letters_of_an_aborted_transaction_are_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """They come again, and are told then."""
    tells = Progress()
    tells.add_letter(record(b""), ERROR)
    tells.aborted()
    tells.report()
    tells.add_letter(record(b""), ERROR)
    tells.report()
    assert caplog.records == []
    tells.add(batch_of(0), 0.01)
    tells.report()
    assert [line.message for line in lines(caplog)][1:] == [
        "dead letters: 1 empty, the first input:3:41: the value is empty"
    ]


def test_a_report_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    """What was told is not told again."""
    tells = Progress()
    tells.add(batch_of(0, 1), 0.01)
    tells.report()
    tells.add(batch_of(2), 0.01)
    tells.report()
    tells.report()
    assert [(line.records, line.batches) for line in lines(caplog)] == [(2, 1), (1, 1)]


def test_partitions_of_several_topics_are_told_apart(caplog: pytest.LogCaptureFixture) -> None:
    """Partition 0 of a hop is not that of the input."""
    tells = Progress()
    tells.add(batch_of(0, 1), 0.01)
    tells.add(batch_of(4, 5, place=TopicPartition("hop", 0)), 0.01)
    tells.report()
    (line,) = lines(caplog)
    assert line.offsets == {"hop:0": 6, "input:0": 2}
