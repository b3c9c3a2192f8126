"""The processes of the demo: which of them are started again, and what is said of those that are not."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest

from demo.processes import SERVICES, DemoError, Services
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_local.guard import Guard


class Ending:
    """Starts, instead of each service, what says something and ends with a code."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.started: list[subprocess.Popen[bytes]] = []

    def spawn(self, _command: list[str], *, output: Any, **_: Any) -> subprocess.Popen[bytes]:
        """See :class:`~kafka_local.guard.Guard`."""
        script = f"import sys; print('it must be a port'); sys.exit({self.code})"
        self.started.append(subprocess.Popen([sys.executable, "-c", script], stdout=output))
        return self.started[-1]

    def ended(self) -> bool:
        """Tell whether all have ended."""
        return all(one.poll() is not None for one in self.started)


def test_a_service_with_bad_settings_ends_the_demo_with_what_it_says(tmp_path: Path) -> None:
    """To start it again does not help; and its log is where a newcomer does not look."""
    ending = Ending(2)
    services = Services(cast("Guard", ending), tmp_path, tmp_path, {})
    services.start()
    eventually(ending.ended, 60, "the end of all")
    with pytest.raises(DemoError, match="detector ended with exit code 2: it must be a port"):
        services.watch(print)


def test_a_service_that_failed_is_started_again(tmp_path: Path) -> None:
    """As a restart policy would; some times."""
    ending, said = Ending(70), list[str]()
    services = Services(cast("Guard", ending), tmp_path, tmp_path, {})
    services.start()
    eventually(ending.ended, 60, "the end of all")
    services.watch(said.append)
    assert len(ending.started) == 2 * len(SERVICES)
    assert said[0].startswith("detector ended with exit code 70, starting it again; see ")
    eventually(ending.ended, 60, "the end of all")
