"""From the first line of a process to its exit code: help, settings, logs, signals, errors."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from pipeline.errors import PipelineError, SettingsError, StoppedError
from pipeline.runtime.compiled import refuse_stale_build
from pipeline.runtime.logs import start_logging
from pipeline.runtime.tracing.tracer import tracer_of
from pipeline.runtime.vitals import Vitals
from pipeline.runtime.vitals.telling import told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

    from pipeline.runtime.environment import Variable
    from pipeline.runtime.settings import CommonSettings

logger = logging.getLogger(__name__)

SIGNALED = 128


class HasCommon(Protocol):
    """Settings of any service."""

    @property
    def common(self) -> CommonSettings:
        """What all services need."""
        ...


S = TypeVar("S", bound=HasCommon)


class Stop:
    """Whether the process is to end. The handler of a signal only sets a flag: raising inside a client is unsafe."""

    def __init__(self) -> None:
        self._requested = threading.Event()

    @property
    def requested(self) -> bool:
        """Tell whether to finish what is at hand and end."""
        return self._requested.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long, less when a stop is requested; return whether it is."""
        return self._requested.wait(seconds)

    def request(self) -> None:
        """Ask for the end."""
        self._requested.set()

    def listen(self) -> None:
        """Take SIGTERM and SIGINT as a request; a second one ends the process at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.requested:
            os._exit(SIGNALED + number)
        self.request()


@dataclass(frozen=True, slots=True)
class Service(Generic[S]):
    """A process of the pipeline.

    ``module`` is what ``python -m`` runs, ``settings`` makes settings of the environment, and ``work`` is what it
    does until it is done or stopped, telling how it fares. To be stopped is a success for an ``endless`` one alone, and
    nobody asks another how it fares.
    """

    module: str
    purpose: str
    variables: Sequence[Variable[object]]
    settings: Callable[[Mapping[str, str]], S]
    work: Callable[[S, Stop, Vitals], None]
    endless: bool = True

    @property
    def name(self) -> str:
        """Return what the process is called in logs and errors."""
        return self.module.rpartition(".")[2]


def run(service: Service[S], environ: Mapping[str, str], arguments: Sequence[str]) -> int:
    """Live the life of a service and return its exit code: 0, or what the error at its end says."""
    _parser(service).parse_args(arguments)
    try:
        settings = service.settings(environ)
    except SettingsError as error:
        sys.stderr.write(f"{service.name}: {error}\n")
        return error.exit_code
    start_logging(service.name, settings.common.process)
    stop = Stop()
    stop.listen()
    try:
        refuse_stale_build()
        vitals = Vitals(service.name, settings.common.process.heartbeat_file)
        if not service.endless:
            service.work(settings, stop, vitals)
        else:
            with (
                tracer_of(settings.common.traces, service.name) as vitals.tracer,
                told(vitals, settings.common.process),
            ):
                service.work(settings, stop, vitals)
    except StoppedError as error:
        logger.info("%s stopped while %s", service.name, error)
        return 0 if service.endless else error.exit_code
    except PipelineError as error:
        logger.error("%s ends: %s", service.name, error)  # noqa: TRY400 (a sentence for people, no traceback)
        return error.exit_code
    except Exception:
        logger.exception("%s ends on an error that nobody foresaw", service.name)
        return PipelineError.exit_code
    logger.info("%s stopped", service.name)
    return 0


def _parser(service: Service[S]) -> argparse.ArgumentParser:
    width = max(len(variable.name) for variable in service.variables)
    lines = [f"  {v.name:<{width}}  {v.description} [{v.default}]" for v in service.variables]
    return argparse.ArgumentParser(
        prog=f"python -m {service.module}",
        description=service.purpose,
        epilog="environment variables (default in brackets):\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
