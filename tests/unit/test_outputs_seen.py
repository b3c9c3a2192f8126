"""Whether anything was written because of a partition whose offsets are gone: of the input, and of hops."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self, cast

import pytest

from pipeline.runtime.clients.cluster import TopicFacts
from pipeline.runtime.transactional import outputs_seen as module
from pipeline.runtime.transactional.outputs_seen import OutputsSeen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.runtime.cluster_settings import KafkaSettings

LEGIT, FIRST, SECOND = (TopicFacts(name, name, 2, 1_000) for name in ("legit", "by-a", "by-b"))


@dataclass
class FakeTopics:
    """Records by topic and partition, as origins; ``cut`` is how many of each partition retention has removed."""

    records: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    cut: dict[tuple[str, int], int] = field(default_factory=dict)

    def __call__(self, *_: Any) -> Self:
        """Stand for a connection as well."""
        return self

    def __enter__(self) -> Self:
        """Open nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close nothing."""

    def beginnings(self, topic: str, partitions: int) -> dict[int, int]:
        """Return where partitions begin."""
        return {number: self.cut.get((topic, number), 0) for number in range(partitions)}

    def ends(self, topic: str, partitions: int) -> dict[int, int]:
        """Return where they end."""
        return {number: len(self.records.get((topic, number), [])) for number in range(partitions)}

    def read(self, _settings: Any, topic: str, starts: dict[int, int], ends: dict[int, int], _idle: float) -> Any:
        """Read them."""

        def origins() -> Iterator[str]:
            for number, start in starts.items():
                yield from self.records.get((topic, number), [])[start : ends[number]]

        return (SimpleNamespace(headers=[("pipeline.origin", origin.encode())]) for origin in origins())


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> FakeTopics:
    """Provide topics without a record."""
    found = FakeTopics()
    monkeypatch.setattr(module, "Cluster", found)
    monkeypatch.setattr(module, "read_between", found.read)
    return found


def behind(topic: str, partition: int) -> bool:
    """Tell whether anything was written behind a partition of the input, or of one of two hops."""
    return OutputsSeen(cast("KafkaSettings", None), "test", [LEGIT], [FIRST, SECOND]).behind((topic, partition))


def test_of_the_input_it_is_the_partition_that_tells(there: FakeTopics) -> None:
    """In an output the one of the same number, in hops all."""
    assert not behind("input", 1)
    there.records = {("legit", 1): ["3:0"], ("by-a", 0): ["0:7"]}
    assert behind("input", 3)
    assert behind("input", 0)
    assert not behind("input", 1)


def test_of_a_hop_it_is_its_first_record_that_tells(there: FakeTopics) -> None:
    """Whether that came any further: in an output, or in a hop behind; what came there another way does not count."""
    there.records = {("by-a", 1): ["no origin", "0:5", "1:9"], ("by-b", 0): ["1:2"], ("legit", 1): ["1:1"]}
    assert not behind("by-a", 0)
    assert not behind("by-a", 1)
    there.records["by-b", 1] = ["0:5"]
    assert behind("by-a", 1)
    assert not behind("by-b", 1)
    there.records["legit", 0] = ["0:5"]
    assert behind("by-b", 1)


def test_what_cannot_be_seen_any_more_counts(there: FakeTopics) -> None:
    """Where the output was cut, the first record of a hop may have been written there: a person decides."""
    there.records = {("by-a", 1): ["0:5"], ("legit", 0): ["0:1"]}
    assert not behind("by-a", 1)
    there.cut["legit", 0] = 1
    assert behind("by-a", 1)
