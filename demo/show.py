"""The course of the demo: start, show, drain, stop, audit."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from demo.observation import CLIENT_ID, Observer
from demo.processes import SERVICES, DemoError, Services
from demo.view import View
from pipeline.contracts import topics
from pipeline.operations.audit.auditor import audit
from pipeline.operations.audit.databases import opened
from pipeline.runtime.provision import ProvisionSettings, provision
from pipeline.runtime.startup import wait_for_topics

if TYPE_CHECKING:
    from pathlib import Path

    from demo.settings import DemoSettings
    from kafka_local.guard import Guard
    from pipeline.operations.audit.report import Report
    from pipeline.runtime.lifecycle import Stop

DRAIN_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.3


def show(settings: DemoSettings, guard: Guard, root: Path, logs: Path, stop: Stop) -> Report:
    """Run the demo until its time is over or ``stop`` is requested, and return the audit of what flowed.

    Raises:
        PipelineError: Kafka or a service failed, or the pipeline did not drain.

    """
    provision(ProvisionSettings.from_env(settings.environ), stop)
    kafka, names = settings.common.kafka, settings.common.topics
    facts = wait_for_topics([names[topic] for topic in topics.ALL], kafka, CLIENT_ID, stop.wait)
    services = Services(guard, root, logs, settings.environ)
    hint = f"Kafka at {','.join(kafka.brokers)} | make inspect TOPIC={names[topics.FRAUD]} | logs in {logs}"
    view = View(sys.stdout, names, f"page at {settings.page} | {hint}")
    view.say(f"the page: {settings.page}")
    observer = Observer(kafka, names, facts)
    try:
        services.start()
        deadline = time.monotonic() + (settings.seconds or float("inf"))
        while not stop.requested and time.monotonic() < deadline:
            services.watch(view.say)
            view.show(observer.look())
            stop.wait(LOOK_SECONDS)
        view.say("draining: no new transactions, waiting until all that came is handled")
        services.stop("generator")
        _drain(observer, services, view)
    finally:
        observer.close()
    services.stop(*(name for name in SERVICES if name != "generator"))
    with opened(settings.environ) as databases:
        return audit(kafka, names, _wait, lambda _: None, databases=databases)


def _drain(observer: Observer, services: Services, view: View) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    calm = 0
    while calm < 2:  # noqa: PLR2004 (what one stage commits shows as the next one's lag a moment later)
        services.watch(view.say)
        seen = observer.look()
        view.show(seen)
        judged = seen.totals[topics.LEGIT] + seen.totals[topics.FRAUD] + seen.totals[topics.TRANSACTIONS_DEAD_LETTER]
        empty = not any(seen.lags.values()) and judged >= seen.totals[topics.TRANSACTIONS]
        calm = calm + 1 if empty else 0
        if time.monotonic() > deadline:
            raise DemoError(f"not drained within {DRAIN_SECONDS:g} s, lag {seen.lags}")
        _wait(LOOK_SECONDS)


def _wait(seconds: float) -> bool:
    """Wait, whatever is requested: the end of the demo is not to be skipped."""
    time.sleep(seconds)
    return False
