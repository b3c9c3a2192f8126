"""How far a subject got, by what the broker has of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from bench.deployment import PARTITIONS
from bench.subjects import DETECTOR, PROCESSORS
from pipeline.contracts import topics
from pipeline.runtime.clients.cluster import Cluster

if TYPE_CHECKING:
    from bench.commits import Commit, CommitWatch, Place
    from bench.deployment import Deployment

PAUSE_SECONDS: Final = 0.02
BRANCHES: Final = (topics.LEGIT, topics.FRAUD)


class Progress(Protocol):
    """Tells how many records of a backlog are done."""

    def poll(self) -> float:
        """Return how many records are done, waiting a little for news."""
        ...


class Committed:
    """The latest commits by place. ``done`` is what counts for a detector."""

    def __init__(self, deployment: Deployment, watch: CommitWatch) -> None:
        self._watch = watch
        self._input = deployment.group(DETECTOR)
        self.latest: dict[Place, int] = {}
        self.all: list[Commit] = []

    def poll(self) -> float:
        """Return how many records the detectors have committed; the input has neither gaps nor markers."""
        for commit in self._watch.poll():
            self.latest[commit.place] = commit.offset
            self.all.append(commit)
        return self.of(self._input)

    def of(self, group: str) -> int:
        """Return the sum of a group's offsets."""
        return sum(offset for place, offset in self.latest.items() if place.group == group)


class Settled:
    """What the processors have committed, for a backlog of ``records``: markers take offsets too, and are left out."""

    def __init__(self, deployment: Deployment, committed: Committed, records: int) -> None:
        self._deployment = deployment
        self._committed = committed
        self._records = records
        self._groups = [deployment.group(service) for service in PROCESSORS]
        self._target = 0

    def poll(self) -> float:
        """Return how many records are settled: an estimate while they come, exact at the end."""
        judged = self._committed.poll()
        settled = sum(self._committed.of(group) for group in self._groups)
        if judged < self._records:
            # Markers are few: one in some thousand records of a backlog.
            return min(float(settled), self._records - 1.0)
        self._target = self._target or last_offsets(self._deployment)
        return float(self._records) if settled >= self._target else min(float(settled), self._records - 1.0)


class Written:
    """What stands in the branches: for those whose commits come late and say little."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._cluster = Cluster(deployment.settings.kafka, f"{deployment.tag}-progress")

    def poll(self) -> float:
        """Return how many records were written."""
        time.sleep(PAUSE_SECONDS)
        return float(
            sum(
                sum(self._cluster.readable_ends(self._deployment.name(topic), PARTITIONS).values())
                for topic in BRANCHES
            )
        )

    def close(self) -> None:
        """Close the connection."""
        self._cluster.close()


def last_offsets(deployment: Deployment) -> int:
    """Return the sum of what the processors will have committed at last: all but the marker at each end."""
    with Cluster(deployment.settings.kafka, f"{deployment.tag}-ends") as cluster:
        ends = [cluster.readable_ends(deployment.name(topic), PARTITIONS) for topic in BRANCHES]
    return sum(max(0, end - 1) for found in ends for end in found.values())
