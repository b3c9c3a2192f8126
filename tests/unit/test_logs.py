"""Log lines: one a record, readable by machines or by people, and no flood while a broker is away."""

from __future__ import annotations

import io
import json
import logging
import sys
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.runtime import logs
from pipeline.runtime.logs import QUIET_SECONDS, ClientNoise, JsonFormatter, TextFormatter, start_logging
from pipeline.runtime.settings import ProcessSettings
from tests.unit.samples import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterator

ANY_TEXT = st.text(st.characters(), max_size=60)


def log_record(message: str, *args: object, name: str = "pipeline.x", error: bool = False, **extra: Any) -> Any:
    """Return a record as a logger makes it."""
    exc_info = sys.exc_info() if error else None
    return logging.getLogger().makeRecord(name, logging.WARNING, "x.py", 1, message, args, exc_info, extra=extra)


def failed(error: Exception, **how: str) -> Any:
    """Return the record of an error that was met."""
    try:
        raise error
    except type(error):
        return log_record("ended", error=True, **how)


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    """Return the members of the line that a record becomes."""
    line = JsonFormatter("detector").format(made)
    assert len(line.split("\n")) == 1
    decoded: dict[str, Any] = json.loads(line)
    return decoded


def test_a_json_line_has_time_level_service_and_message() -> None:
    """Machines find what they sort and filter by under the same names always."""
    made = log_record("committed %d", 3, records=3, offsets={0: 7, 1: 9})
    made.created = 1_795_363_200.123
    assert as_json(made) == {
        "time": "2026-11-22T16:00:00.123Z",
        "level": "WARNING",
        "service": "detector",
        "logger": "pipeline.x",
        "message": "committed 3",
        "records": 3,
        "offsets": {"0": 7, "1": 9},
    }


def test_a_json_line_carries_the_traceback() -> None:
    """An error that nobody foresaw is one line as well."""
    line = as_json(failed(ZeroDivisionError("a bug\nof two lines")))
    assert "ZeroDivisionError: a bug\nof two lines" in line["exception"]


def test_what_json_does_not_know_is_told_as_text() -> None:
    """Paths, amounts, sets and errors of an extra do not lose the line."""
    line = as_json(log_record("x", path=Path("/tmp/x"), amount=Decimal("1.50"), error_met=KeyError("k"), names={"a"}))  # noqa: S108
    assert (line["path"], line["amount"], line["names"]) == ("/tmp/x", "1.50", ["a"])  # noqa: S108
    assert "k" in line["error_met"]


@given(ANY_TEXT, ANY_TEXT)
@example("a file named \udcff", "")
@example("", HOSTILE)
def test_any_text_makes_a_json_line(message: str, extra: str) -> None:
    """Whatever a message or an extra holds, half characters included, the line is JSON in UTF-8."""
    line = JsonFormatter("detector").format(log_record("%s", message, about=extra))
    assert "\n" not in line
    decoded = json.loads(line.encode())
    if message.isprintable() and extra.isprintable():
        assert (decoded["message"], decoded["about"]) == (message, extra)


@given(ANY_TEXT, ANY_TEXT)
@example("a file named \udcff", HOSTILE)
def test_any_text_makes_one_printable_line(message: str, extra: str) -> None:
    """People at a terminal see what was logged, and are shown nothing that acts."""
    line = TextFormatter().format(log_record("%s", message, about=extra))
    assert line.isprintable()
    assert line.encode()


def test_a_text_line_is_for_reading() -> None:
    """Time, level, message, and the extras behind them."""
    made = log_record("committed", records=3)
    made.created = 1_795_363_200.123
    assert TextFormatter().format(made) == "2026-11-22T16:00:00.123Z WARNING committed records=3"


def test_a_text_line_is_bounded() -> None:
    """A record of a megabyte is not printed whole."""
    assert len(TextFormatter().format(log_record("x" * 1_000_000))) < 3_000


def test_a_traceback_cannot_act_on_a_terminal() -> None:
    """The text of an error may quote what somebody sent: every line of a traceback is printable too."""
    told = TextFormatter().format(failed(ValueError(HOSTILE)))
    assert "ValueError" in told
    assert all(line.isprintable() for line in told.split("\n"))


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 5.0

    def monotonic(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Provide the clock that noise is measured by, shortly after a machine has started."""
    clock = Clock()
    monkeypatch.setattr(logs, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def test_the_client_is_heard_once_in_thirty_seconds(clock: Clock) -> None:
    """The first line passes, those behind it are held back, and the next that passes says how many."""
    noise = ClientNoise()
    assert noise.filter(log_record("lost", name="kafka.conn"))
    for _ in range(7):
        clock.now += 1
        assert not noise.filter(log_record("lost", name="kafka.net"))
    clock.now = 5.0 + QUIET_SECONDS
    passed = log_record("still lost", name="kafka")
    assert noise.filter(passed)
    assert passed.held_back == 7
    assert as_json(passed)["held_back"] == 7
    clock.now += QUIET_SECONDS
    again = log_record("still", name="kafka")
    assert noise.filter(again)
    assert not hasattr(again, "held_back")


def test_a_traceback_of_the_client_is_left_out(clock: Clock) -> None:
    """A broker that is away is not told on thirty lines."""
    assert clock.now
    made = failed(OSError("no route"), name="kafka.conn")
    assert ClientNoise().filter(made)
    assert made.exc_info is None


def test_our_own_lines_always_pass(clock: Clock) -> None:
    """Neither are they held back, nor do they use up the client's turn."""
    assert clock.now
    noise = ClientNoise()
    assert all(noise.filter(log_record("ours", name=name)) for name in ("pipeline.x", "detector", "root") for _ in "ab")
    assert noise.filter(log_record("lost", name="kafka.conn"))


@pytest.fixture
def loggers() -> Iterator[None]:
    """Put the loggers back as they were."""
    root, client = logging.getLogger(), logging.getLogger("kafka")
    before = (root.handlers[:], root.level, client.level)
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    client.setLevel(before[2])


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("log_format", "stream", "is_json"),
    [
        ("json", Terminal(), True),
        ("text", io.StringIO(), False),
        ("auto", Terminal(), False),
        ("auto", io.StringIO(), True),
    ],
    ids=["json", "text", "auto at a terminal", "auto in a container"],
)
@pytest.mark.usefixtures("loggers")
def test_the_form_is_that_of_the_settings(
    *, log_format: str, stream: io.StringIO, is_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machines get JSON, people at a terminal get text, and either can be asked for."""
    monkeypatch.setattr(sys, "stderr", stream)
    start_logging("detector", ProcessSettings("INFO", log_format, None, "127.0.0.1", 0))
    logging.getLogger("pipeline.x").info("hello")
    logging.getLogger("pipeline.x").debug("not this")
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert line.startswith("{") is is_json
    assert "hello" in line


@pytest.mark.usefixtures("loggers")
def test_standard_output_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """What a service prints can be piped: its log goes elsewhere."""
    start_logging("detector", ProcessSettings("INFO", "auto", None, "127.0.0.1", 0))
    logging.getLogger("pipeline.x").warning("hello")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["message"] == "hello"


@pytest.mark.usefixtures("loggers")
def test_the_client_chatters_only_for_those_who_debug(capsys: pytest.CaptureFixture[str]) -> None:
    """At the level DEBUG every warning of the client passes, otherwise one in thirty seconds, and no gossip."""
    for level, expected in (("INFO", 1), ("DEBUG", 3)):
        start_logging("detector", ProcessSettings(level, "json", None, "127.0.0.1", 0))
        for _ in range(3):
            logging.getLogger("kafka.conn").warning("lost")
            logging.getLogger("kafka.conn").info("connecting")
        assert capsys.readouterr().err.count("\n") == expected
