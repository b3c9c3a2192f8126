"""Waits until every service of a round has joined its group."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bench.processes import EndedError
from bench.subjects import DETECTOR, PROCESSORS
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from bench.deployment import Deployment
    from bench.processes import Processes
    from bench.subjects import Subject

READY_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 0.1


def wait_for_members(deployment: Deployment, subject: Subject, processes: Processes) -> None:
    """Return once every service has joined its group.

    Raises:
        EndedError: one ended, or has not joined within a minute.

    """
    groups = {deployment.group(service if service in PROCESSORS else DETECTOR) for service in subject.names}
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        processes.check()
        # A young cluster has no coordinator yet.
        with suppress(KafkaError), Cluster(deployment.settings.kafka, f"{deployment.tag}-members") as cluster:
            if all(cluster.members(group) for group in groups):
                return
        time.sleep(PAUSE_SECONDS)
    raise EndedError(f"no member of every group within {READY_SECONDS:g} s")
