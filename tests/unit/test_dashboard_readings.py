"""Which partitions detectors read, and by which rules each was judged last, as the cluster tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.live.readings import judges_of
from dashboard.live.warming import Judges, Log
from pipeline.contracts import topics
from pipeline.contracts.rule_marks import Mark
from pipeline.runtime.clients.cluster import Committed, Member, TopicFacts
from pipeline.runtime.settings import common_from_env

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTINGS = common_from_env({"KAFKA_BROKER_URL": "127.0.0.1:1"})
INPUT = SETTINGS.topics[topics.TRANSACTIONS]
HOP, LEFT_OVER = (SETTINGS.topics[topics.hop_by(key)] for key in ("target", "device"))


class FakeCluster:
    """Stands in for a cluster: two partitions of each topic, with offsets 5 to 20."""

    def __init__(self, committed: dict[str, dict[int, Committed]]) -> None:
        self._committed = committed

    def names(self) -> list[str]:
        """Return topics, one of which nobody uses any more."""
        return [INPUT, HOP, LEFT_OVER]

    def describe(self, names: Iterable[str]) -> dict[str, TopicFacts]:
        """Return what there is."""
        return {name: TopicFacts(name, "id", 2, 1) for name in names if name in self.names()}

    def handled(self, group: str, topic: str, _partitions: int) -> dict[int, Committed]:
        """Return what detectors have committed."""
        assert group == SETTINGS.kafka.group_of("detector")
        return self._committed.get(topic, {})

    def beginnings(self, _topic: str, partitions: int) -> dict[int, int]:
        """Return where they begin."""
        return dict.fromkeys(range(partitions), 5)

    def readable_ends(self, _topic: str, partitions: int) -> dict[int, int]:
        """Return where they end."""
        return dict.fromkeys(range(partitions), 20)

    def members(self, _group: str) -> list[Member]:
        """Return one detector."""
        return [Member("detector", "127.0.0.1")]


def judged(committed: dict[str, dict[int, Committed]]) -> Judges:
    """Return what is made of that."""
    return judges_of(FakeCluster(committed), SETTINGS.kafka, SETTINGS.topics)  # type: ignore[arg-type]


def test_marks_are_read_beside_offsets() -> None:
    """Of the input and of topics between stages that are in use; without a mark, or an offset, none is known."""
    found = judged({INPUT: {0: Committed(18, "a:7 rules=aa@3")}, HOP: {1: Committed(20, "a:7")}})
    assert found == Judges(
        1, [Log(INPUT, 0, Mark(3, "aa"), 2), Log(INPUT, 1, None, 15), Log(HOP, 0, None, 15), Log(HOP, 1, None, 0)]
    )


def test_where_nothing_is_judged_yet_the_input_waits() -> None:
    """It is what detectors read first; whether they use the others cannot be told."""
    assert judged({}).logs == [Log(INPUT, 0, None, 15), Log(INPUT, 1, None, 15)]
