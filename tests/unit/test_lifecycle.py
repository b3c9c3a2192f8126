"""From the first line of a process to its exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from detector.__main__ import SERVICE as DETECTOR
from fraud_processor.__main__ import SERVICE as FRAUD_PROCESSOR
from generator.__main__ import SERVICE as GENERATOR
from legit_processor.__main__ import SERVICE as LEGIT_PROCESSOR
from pipeline.errors import BrokerUnavailableError, PipelineError, SettingsError, StoppedError
from pipeline.runtime import settings
from pipeline.runtime.lifecycle import Service, Stop, run
from pipeline.runtime.provision import SERVICE as PROVISION
from pipeline.runtime.service_settings import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVICES: dict[str, Service[Any]] = {
    service.name: service for service in (DETECTOR, FRAUD_PROCESSOR, GENERATOR, LEGIT_PROCESSOR, PROVISION)
}
WITHIN = 20.0


@pytest.fixture(autouse=True)
def surroundings() -> Iterator[None]:
    """Put back what a process has only one of: its loggers and the handlers of its signals."""
    root, client = logging.getLogger(), logging.getLogger("kafka")
    before = (root.handlers[:], root.level, client.level)
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    client.setLevel(before[2])
    for number, handler in signals.items():
        signal.signal(number, handler)


def service_that(work: Callable[[Any, Stop], None]) -> Service[ServiceSettings]:
    """Return a service that does this."""
    return Service(
        "pipeline.tried",
        "Try something.",
        settings.VARIABLES,
        ServiceSettings.from_env,
        lambda given, stop, _: work(given, stop),
    )


def raising(error: BaseException) -> Callable[[Any, Stop], None]:
    """Return work that ends with an error."""

    def work(_settings: ServiceSettings, _stop: Stop) -> None:
        raise error

    return work


def done(_settings: ServiceSettings, _stop: Stop) -> None:
    """Have nothing to do."""


def test_work_that_is_done_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    """The end is told, on standard error alone."""
    assert run(service_that(done), {}, []) == 0
    captured = capsys.readouterr()
    assert "tried stopped" in captured.err
    assert captured.out == ""


def test_bad_settings_end_with_2_before_anything_begins(capsys: pytest.CaptureFixture[str]) -> None:
    """Every problem stands on a line of its own, for a person, without a traceback."""
    environ = {"LOG_LEVEL": "LOUD", "KAFKA_BROKER_URL": "nowhere"}
    assert run(service_that(raising(AssertionError())), environ, []) == 2
    told = capsys.readouterr().err
    assert told.startswith("tried: bad settings:\n")
    assert "LOG_LEVEL must be" in told
    assert "KAFKA_BROKER_URL must be" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PipelineError("what, where, what to do"), 1),
        (BrokerUnavailableError("what, where, what to do"), 69),
        (SettingsError(("what, where, what to do",)), 2),
        (StoppedError("what, where, what to do"), 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_of_ours_ends_with_its_code_and_a_sentence(
    error: PipelineError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """People are told what happened; a traceback would say where in our code, which is no help to them."""
    assert run(service_that(raising(error)), {"LOG_FORMAT": "text"}, []) == code
    told = capsys.readouterr().err
    assert "what, where, what to do" in told
    assert "Traceback" not in told


def test_a_stop_while_waiting_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Who stops a service that still waits for its broker did nothing wrong: no line says ERROR."""
    assert run(service_that(raising(StoppedError("looking for the topics"))), {"LOG_FORMAT": "text"}, []) == 0
    assert "ERROR" not in capsys.readouterr().err


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), OSError("disk"), RuntimeError("client")])
def test_an_error_that_nobody_foresaw_ends_with_1_and_a_traceback(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug says where it is."""
    assert run(service_that(raising(error)), {"LOG_FORMAT": "text"}, []) == 1
    told = capsys.readouterr().err
    assert "nobody foresaw" in told
    assert "Traceback" in told
    assert str(error) in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_for_the_end(number: signal.Signals) -> None:
    """The work goes on until it looks, and then ends with 0."""

    def work(_settings: ServiceSettings, stop: Stop) -> None:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.wait(WITHIN)
        assert stop.requested

    assert run(service_that(work), {}, []) == 0


def test_a_second_signal_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever presses Ctrl-C twice means it."""
    codes: list[int] = []
    ends: Callable[[int], None] = codes.append
    monkeypatch.setattr(os, "_exit", ends)
    stop = Stop()
    stop.listen()
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.wait(WITHIN)
    assert codes == []
    signal.raise_signal(signal.SIGTERM)
    assert codes == [128 + signal.SIGTERM]


def test_waiting_ends_early_with_a_stop() -> None:
    """A wait says whether the end was asked for."""
    stop = Stop()
    assert stop.wait(0) is False
    stop.request()
    assert stop.wait(WITHIN) is True


@pytest.mark.parametrize("name", SERVICES)
def test_help_lists_every_variable(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` is enough to set a service up: each variable with its default, and no secret."""
    service = SERVICES[name]
    with pytest.raises(SystemExit) as ended:
        run(service, {"LOG_LEVEL": "LOUD"}, ["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert f"python -m {service.module}" in told
    assert service.purpose in told
    for variable in service.variables:
        (line,) = [line for line in told.splitlines() if line.split()[:1] == [variable.name]]
        assert line.endswith(f"{variable.description} [{variable.default}]")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_by_the_module_it_names(name: str) -> None:
    """What help and registry call it is what ``python -m`` takes."""
    service = SERVICES[name]
    work = sys.modules[service.work.__module__]
    assert work.__name__.removesuffix(".__main__") == service.module
    assert {variable.name for variable in settings.VARIABLES} <= {variable.name for variable in service.variables}


@pytest.mark.parametrize("arguments", [["--rate", "5"], ["now"]])
def test_arguments_are_refused_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Everything is set by variables: an argument is a mistake, and told."""
    with pytest.raises(SystemExit) as ended:
        run(service_that(done), {}, arguments)
    assert ended.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err
