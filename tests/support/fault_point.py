"""Runs a service that kills itself at one step of the loop: ``python -m tests.support.fault_point SERVICE POINT``.

The product has no hook for this: the step is wrapped from outside. The process dies by SIGKILL after the step's third
time, or in the middle of sending. Batches are small, so that there are many of them.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from typing import TYPE_CHECKING, Any

from pipeline.runtime import service
from pipeline.runtime.clients.producers import BoundedProducer
from pipeline.runtime.transactional.intake import Intake
from pipeline.runtime.transactional.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

# The detector leaves enough behind for the processor to reach its own fault point.
BATCH_RECORDS = {"detector": 400, "legit_processor": 100}
TIMES = 3

# What is wrapped, and at which call of it the process dies. Calls that return None or nothing do not count for a poll.
POINTS: dict[str, tuple[type, str, int]] = {
    "after-poll": (Intake, "poll", TIMES),
    "after-begin": (Output, "begin", TIMES),
    "mid-send": (Output, "_write", 75),
    "after-flush": (BoundedProducer, "flush", TIMES),
    "after-offsets": (BoundedProducer, "send_offsets_to_transaction", TIMES),
    "after-commit": (BoundedProducer, "commit_transaction", TIMES),
}


def arm(owner: type, name: str, times: int) -> None:
    """Let the process die after so many calls of a method."""
    original: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        result = original(*arguments, **keywords)
        calls += not (name == "poll" and result is None)
        if calls >= times:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


def main() -> None:
    """Run the service that the command line names, armed."""
    module, point = sys.argv[1:3]
    sys.argv[1:] = []
    service.MAX_BATCH_RECORDS = BATCH_RECORDS[module]  # type: ignore[misc] # final for everybody else
    if point != "none":
        arm(*POINTS[point])
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
