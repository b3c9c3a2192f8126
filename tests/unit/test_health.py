"""The heartbeat file, and what a health check makes of it."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pipeline.runtime import health
from pipeline.runtime.backoff import growing_waits
from pipeline.runtime.health import MAX_AGE_SECONDS, Heartbeat

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Provide the clock that heartbeats go by."""
    clock = Clock(1_000.0)
    monkeypatch.setattr(health, "time", SimpleNamespace(monotonic=clock, time=time.time))
    return clock


def aged(path: Path, seconds: float) -> None:
    """Let a file have been touched so long ago."""
    path.touch()
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_the_first_beat_makes_the_file(tmp_path: Path, clock: Clock) -> None:
    """A service is healthy as soon as its loop turns, however young the machine is."""
    clock.now = 0.0
    Heartbeat(tmp_path / "beat").beat()
    assert (tmp_path / "beat").exists()


def test_the_file_is_touched_at_most_once_a_second(tmp_path: Path, clock: Clock) -> None:
    """A loop that turns hundreds of times a second does not wear out the disk."""
    path = tmp_path / "beat"
    heartbeat = Heartbeat(path)
    heartbeat.beat()
    path.unlink()
    clock.now += 0.99
    heartbeat.beat()
    assert not path.exists()
    clock.now += 0.01
    heartbeat.beat()
    assert path.exists()


def test_a_step_that_may_take_long_is_no_death(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is good for as long as the step has, also when it was touched a moment ago."""
    path = tmp_path / "beat"
    monkeypatch.setenv("HEARTBEAT_FILE", str(path))
    heartbeat = Heartbeat(path)
    heartbeat.beat()
    heartbeat.beat(120.0)
    assert path.stat().st_mtime == pytest.approx(time.time() + 120.0 - MAX_AGE_SECONDS, abs=5)
    assert health.main() == 0
    clock.now += 1.0
    heartbeat.beat()
    assert path.stat().st_mtime == pytest.approx(time.time(), abs=5)
    assert capsys.readouterr().err == ""


def test_without_a_file_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of containers nobody watches, and no file of any name appears."""
    monkeypatch.chdir(tmp_path)
    Heartbeat(None).beat()
    assert list(tmp_path.iterdir()) == []


def test_a_young_file_is_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the loop turns the check is silent."""
    aged(tmp_path / "beat", MAX_AGE_SECONDS / 2)
    monkeypatch.setenv("HEARTBEAT_FILE", str(tmp_path / "beat"))
    assert health.main() == 0


def test_an_old_file_is_unhealthy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A loop that hangs is told with the time since it last turned."""
    aged(tmp_path / "beat", MAX_AGE_SECONDS * 2)
    monkeypatch.setenv("HEARTBEAT_FILE", str(tmp_path / "beat"))
    assert health.main() == 1
    assert capsys.readouterr().err == "last heartbeat 60 s ago\n"


def test_a_missing_file_is_unhealthy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service that never began to turn is told by the file it lacks."""
    monkeypatch.setenv("HEARTBEAT_FILE", str(tmp_path / "beat"))
    assert health.main() == 1
    assert str(tmp_path / "beat") in capsys.readouterr().err


@pytest.mark.parametrize("value", [None, ""])
def test_a_check_without_a_file_to_look_at_is_no_health(
    value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no file is named, the age of the working directory says nothing of the service."""
    monkeypatch.chdir(tmp_path)
    if value is None:
        monkeypatch.delenv("HEARTBEAT_FILE", raising=False)
    else:
        monkeypatch.setenv("HEARTBEAT_FILE", value)
    assert health.main() == 1
    assert capsys.readouterr().err


def test_waits_grow_to_two_seconds_and_no_further() -> None:
    """The first is short, each is twice the one before."""
    waits = growing_waits()
    assert [next(waits) for _ in range(8)] == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]
