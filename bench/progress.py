"""How far a subject got, by what the broker has of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from bench.deployment import PARTITIONS
from bench.subjects import DETECTOR, PROCESSORS
from pipeline.contracts import topics
from pipeline.runtime.clients.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.commits import Commit, CommitWatch, Place
    from bench.deployment import Deployment
    from pipeline.contracts.topics import Topic

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
        self._branches = [deployment.group(service) for service in PROCESSORS]
        self.latest: dict[Place, int] = {}
        self.all: list[Commit] = []

    def poll(self) -> float:
        """Return how many records the detectors have committed; the input has neither gaps nor markers."""
        for commit in self._watch.poll():
            self.latest[commit.place] = commit.offset
            self.all.append(commit)
        return self.judged

    @property
    def judged(self) -> int:
        """Return the sum of the detectors' offsets."""
        return self._of(self._input)

    @property
    def settled(self) -> int:
        """Return the sum of the processors' offsets."""
        return sum(self._of(group) for group in self._branches)

    def of_topic(self, topic: str) -> int:
        """Return the sum of the detectors' offsets in a topic."""
        return sum(
            offset for place, offset in self.latest.items() if place.group == self._input and place.topic == topic
        )

    def _of(self, group: str) -> int:
        return sum(offset for place, offset in self.latest.items() if place.group == group)


class Asked:
    """What the groups have committed, for who asks now and then: it takes three requests."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._cluster = Cluster(deployment.settings.kafka, f"{deployment.tag}-asked")
        self.judged = self.settled = 0

    def poll(self) -> int:
        """Return how many records are done, each counted once when it is judged and once when it is settled."""
        self.judged = self._of(DETECTOR, topics.TRANSACTIONS)
        self.settled = sum(self._of(service, topic) for service, topic in zip(PROCESSORS, BRANCHES, strict=True))
        return self.judged + self.settled

    def _of(self, service: str, topic: Topic) -> int:
        deployment = self._deployment
        found = self._cluster.committed(deployment.group(service), deployment.name(topic), PARTITIONS)
        return sum(found.values())

    def close(self) -> None:
        """Close the connection."""
        self._cluster.close()


class Settled:
    """What the processors have committed, for a backlog of ``records``."""

    def __init__(self, deployment: Deployment, committed: Committed, records: int) -> None:
        self._deployment = deployment
        self._committed = committed
        self._records = records

    def poll(self) -> float:
        """Return how many records are settled: an estimate while they come, exact at the end.

        Markers take offsets too. They are few: one in some thousand records of a backlog.
        """
        self._committed.poll()
        if settled(self._deployment, self._committed, self._records):
            return float(self._records)
        return min(float(self._committed.settled), self._records - 1.0)


class Staged:
    """What a detector has done of a backlog that it reads in several topics, one stage after the other.

    A record counts by the share of its stages that are done. Markers of transactions take offsets in all topics but the
    first: some hundred in as many thousand records.
    """

    def __init__(self, committed: Committed, stages: Sequence[str], records: int) -> None:
        self._committed = committed
        self._stages = stages
        self._records = records

    def poll(self) -> float:
        """Return how many records are done."""
        self._committed.poll()
        return sum(min(self._records, self._committed.of_topic(topic)) for topic in self._stages) / len(self._stages)


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


def settled(deployment: Deployment, committed: Committed | Asked, records: int) -> bool:
    """Tell whether so many records were judged, and the processors have committed all that came of them."""
    if committed.judged < records:
        return False
    with Cluster(deployment.settings.kafka, f"{deployment.tag}-ends") as cluster:
        ends = [cluster.readable_ends(deployment.name(topic), PARTITIONS) for topic in BRANCHES]
    # All but the marker at each end.
    return committed.settled >= sum(max(0, end - 1) for found in ends for end in found.values())
