"""Runs a service that harms itself: ``python -m tests.support.fault_point SERVICE POINT [MUTATION]``.

POINT is a step of the loop: the process dies by SIGKILL after the step's third time, or in the middle of sending. With
``freeze:`` before it, it stops itself there, once, and goes on when it is told to (SIGCONT). At ``hanging-commit`` the
third commit never returns, at ``none`` nothing happens. MUTATION takes a guard out of the product (see ``mutations``).
The product has no hook for this: it is wrapped from outside. Batches are small, so that there are many of them.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer

from legit_processor.ledger.store import Ledger
from pipeline.runtime.batches.sending import BatchSender
from pipeline.runtime.clients.producers import BoundedProducer
from pipeline.runtime.database.progress import Progress
from pipeline.runtime.transactional.commits import Commits
from pipeline.runtime.transactional.intake import Intake
from pipeline.runtime.transactional.output import Output
from pipeline.runtime.transactional.senders import RecordSender
from pipeline.runtime.wire.writer import TransactionWriter
from tests.support.mutations import MUTATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

# The detector leaves enough behind for the processor to reach its own fault point.
BATCH_RECORDS = {"detector": 400, "legit_processor": 100, "fraud_processor": 100}
TIMES = 3
SENT = 75  # records, one by one
HANDED_OVER = 5  # batches, of which a transaction of the detector has up to twelve
NONE = "none"
PRODUCERS = (TransactionWriter, BoundedProducer)  # of whole batches, and of single records or on older clusters
HANG = "hanging-commit"

# What is wrapped, and at which call of it the process dies. Calls that return None or nothing do not count for a poll.
# In the middle of sending is another place on each record path.
POINTS: dict[str, tuple[tuple[type, str, int], ...]] = {
    "after-poll": ((Intake, "poll", TIMES),),
    "after-begin": ((Output, "begin", TIMES),),
    "mid-send": ((RecordSender, "send", SENT), (BatchSender, "_hand_over", HANDED_OVER)),
    "mid-save": ((Ledger, "_insert", TIMES),),
    "after-save": ((Ledger, "save", TIMES),),
    "after-flush": tuple((kind, "flush", TIMES) for kind in PRODUCERS),
    "after-offsets": tuple((kind, "send_offsets_to_transaction", TIMES) for kind in PRODUCERS),
    "after-commit": tuple((kind, "commit_transaction", TIMES) for kind in PRODUCERS),
}

# Where a process finds out where to begin, at the first assignment with partitions in it.
BEGINNING: dict[str, tuple[tuple[type, str, int], ...]] = {
    "after-committed": ((Commits, "found", 1),),
    "after-watermarks": ((Progress, "resumed", 1),),
    "after-ends": ((KafkaConsumer, "end_offsets", 1),),
}
# One that is frozen while it saves holds the lock of SQLite: nobody else would get on.
FREEZING_POINTS = BEGINNING | {point: places for point, places in POINTS.items() if point != "mid-save"}
FREEZE = "freeze:"


def reaches(service: str, point: str) -> bool:
    """Tell whether a service comes to a point: one that writes nothing but dead letters hardly sends, and one saves."""
    if point in {"mid-save", "after-save"}:
        return service == "legit_processor"
    if point in {"after-watermarks", "after-ends"}:
        return service != "detector"  # it has no database, and asks for ends of other topics before
    return not (service == "fraud_processor" and point == "mid-send")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang() -> None:
    threading.Event().wait()


def _freeze() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def arm(owner: type, name: str, times: int, harm: Callable[[], None] = _die) -> None:
    """Let the process come to harm at a call of a method, once it was called so many times."""
    original: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        result = original(*arguments, **keywords)
        calls += not (name == "poll" and result is None)
        if calls == times:
            harm()
        return result

    setattr(owner, name, wrapped)


def main() -> None:
    """Run the service that the command line names, armed."""
    module, point, *mutations = sys.argv[1:]
    sys.argv[1:] = []
    os.environ["MAX_BATCH_RECORDS"] = str(BATCH_RECORDS[module])
    for mutation in mutations:
        MUTATIONS[mutation]()
    if point == HANG:
        for kind in PRODUCERS:
            arm(kind, "commit_transaction", TIMES, _hang)
    elif point.startswith(FREEZE):
        for place in FREEZING_POINTS[point.removeprefix(FREEZE)]:
            arm(*place, _freeze)
    elif point != NONE:
        for place in POINTS[point]:
            arm(*place)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
