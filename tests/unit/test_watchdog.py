"""The watchdog: a step that outlives its deadline ends the process, one that ends in time does not."""

from __future__ import annotations

import os
import sys
import threading
from math import inf
from time import monotonic
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import EXIT_SOFTWARE
from pipeline.runtime.watchdog import LOOK_SECONDS, Watchdog, end_process
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

WITHIN = 20.0
LONG = 1_000.0


class Expired:
    """Notes which steps expired, and lets a test wait for the next."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float]] = []
        self.happened = threading.Event()

    def __call__(self, step: str, seconds: float) -> None:
        """Take the place of ending the process."""
        self.steps.append((step, seconds))
        self.happened.set()


@pytest.fixture
def expired() -> Expired:
    """Provide what a watchdog calls instead of ending the process."""
    return Expired()


def test_a_step_that_outlives_its_deadline_expires(expired: Expired) -> None:
    """The step is named together with the time it had, while it still hangs."""
    watchdog = Watchdog(expired)
    with watchdog.step("committing", 0.01):
        assert expired.happened.wait(WITHIN)
    assert expired.steps == [("committing", 0.01)]


def test_time_in_which_the_process_was_frozen_does_not_count(expired: Expired, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that was paused, or a laptop that slept, goes on where it was, however long that lasted."""
    frozen_for = 0.0
    monkeypatch.setattr("pipeline.runtime.watchdog.time", SimpleNamespace(monotonic=lambda: monotonic() + frozen_for))
    watchdog, looks = Watchdog(expired), LOOK_SECONDS
    with watchdog.step("committing", 10 * looks):
        eventually(lambda: 0 < watchdog.watched._asleep_until < inf, WITHIN, "the watching thread to sleep")  # noqa: SLF001
        frozen_for = 1_000.0
        with watchdog.watched._changed:  # noqa: SLF001
            watchdog.watched._changed.notify()  # noqa: SLF001 (as the clock does behind it)
        assert not expired.happened.wait(2 * looks)
    with watchdog.step("hanging", 0.01):
        assert expired.happened.wait(WITHIN)
    assert expired.steps == [("hanging", 0.01)]


def test_a_step_that_the_process_froze_at_once_in_is_looked_at_again(
    expired: Expired, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen before the watching thread could look at the step: it has its time all the same."""
    moments = iter([0.0])
    monkeypatch.setattr(
        "pipeline.runtime.watchdog.time", SimpleNamespace(monotonic=lambda: next(moments, monotonic() + 1_000.0))
    )
    watchdog = Watchdog(expired)
    with watchdog.step("committing", 10 * LOOK_SECONDS):
        assert not expired.happened.wait(LOOK_SECONDS)


def test_a_step_that_ends_in_time_does_not_expire(expired: Expired) -> None:
    """Thousands of short steps with long deadlines leave nothing behind that could expire later."""
    watchdog = Watchdog(expired)
    for _ in range(2_000):
        with watchdog.step("committing", LONG):
            pass
    with watchdog.step("hanging", 0.01):
        assert expired.happened.wait(WITHIN)
    assert expired.steps == [("hanging", 0.01)]


def test_a_step_that_ended_does_not_expire_later(expired: Expired) -> None:
    """While nothing is watched nothing can expire, however long that lasts."""
    watchdog = Watchdog(expired)
    with watchdog.step("committing", 1.0):
        pass
    assert not expired.happened.wait(1.5)


def test_a_step_that_fails_is_no_longer_watched(expired: Expired) -> None:
    """An error ends a step as well as success does."""
    watchdog = Watchdog(expired)
    with pytest.raises(KeyError), watchdog.step("failing", 1.0):
        raise KeyError
    with watchdog.step("hanging", 1.5):
        assert expired.happened.wait(WITHIN)
    assert expired.steps == [("hanging", 1.5)]


def test_a_step_expires_once(expired: Expired) -> None:
    """However long a step goes on hanging, the end is called for once, and the next step is watched again."""
    watchdog = Watchdog(expired)
    with watchdog.step("first", 0.01):
        assert expired.happened.wait(WITHIN)
        expired.happened.clear()
        assert not expired.happened.wait(0.1)
    with watchdog.step("second", 0.01):
        assert expired.happened.wait(WITHIN)
    assert [step for step, _ in expired.steps] == ["first", "second"]


def test_a_shorter_deadline_behind_a_longer_one_is_kept(expired: Expired) -> None:
    """The watching thread, asleep until a far deadline, is woken for a near one."""
    watchdog = Watchdog(expired)
    with watchdog.step("long", LONG):
        pass
    with watchdog.step("short", 0.01):
        assert expired.happened.wait(WITHIN)
    assert expired.steps == [("short", 0.01)]


def test_one_step_after_the_other_wakes_nobody(expired: Expired, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop takes hundreds of steps a second: each would cost two changes of threads, twice."""
    monkeypatch.setattr("pipeline.runtime.watchdog.LOOK_SECONDS", LONG)
    watchdog, woken = Watchdog(expired), threading.Event()
    with watchdog.step("first", LONG):
        eventually(lambda: 0 < watchdog.watched._asleep_until < inf, WITHIN, "the watching thread to sleep")  # noqa: SLF001
    with monkeypatch.context() as patched:
        patched.setattr(watchdog.watched._changed, "notify", woken.set)  # noqa: SLF001
        for _ in range(3):
            with watchdog.step("another", LONG):
                pass
        assert not woken.is_set()
        with watchdog.step("shorter", LONG / 2):
            assert woken.is_set()


def test_the_watching_thread_does_not_keep_the_process_alive(expired: Expired) -> None:
    """A service that has nothing more to do ends."""
    watchdog = Watchdog(expired)
    watching = [thread for thread in threading.enumerate() if thread.name == "watchdog"]
    assert watchdog
    assert watching
    assert all(thread.daemon for thread in watching)


def test_the_watching_thread_ends_with_its_watchdog(expired: Expired) -> None:
    """A process that makes one after the other, as the tests do, gathers no threads."""
    before = {thread for thread in threading.enumerate() if thread.name == "watchdog"}
    watchdog = Watchdog(expired)
    (watching,) = {thread for thread in threading.enumerate() if thread.name == "watchdog"} - before
    with watchdog.step("short", WITHIN):
        pass
    del watchdog
    watching.join(WITHIN)
    assert not watching.is_alive()


def test_ending_the_process_says_what_hung_and_where(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The step, its time and the stacks of all threads are told before the process is ended at once."""
    codes: list[int] = []
    ends: Callable[[int], None] = codes.append
    monkeypatch.setattr(os, "_exit", ends)
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    end_process("committing a transaction", 15.0)
    assert codes == [EXIT_SOFTWARE] == [70]
    told = capfd.readouterr().err
    assert "watchdog: committing a transaction took over 15 s" in told
    assert "test_watchdog.py" in told
