"""A hop that got more partitions: what rules know of a key would be cut in two."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from pipeline.contracts import topics
from pipeline.errors import SettingsError
from pipeline.runtime import hop_topics as module
from pipeline.runtime.batches.partitioning import partitions_of
from pipeline.runtime.clients.cluster import TopicFacts
from pipeline.runtime.hop_topics import LOOKED_AT, MovedKeysError, check_keys
from pipeline.runtime.settings import common_from_env

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.runtime.cluster_settings import KafkaSettings

KEYS = [b"%d" % number for number in range(3 * LOOKED_AT)]


def check(monkeypatch: pytest.MonkeyPatch, written: int, now: int, keys: list[bytes | None]) -> None:
    """Look at a hop that was written with some number of partitions and has another now."""
    there: dict[int, list[bytes | None]] = {number: [] for number in range(now)}
    for key in keys:
        there[0 if key is None else partitions_of([key], written)[0]].append(key)

    def read(_: Any, __: str, starts: dict[int, int], *___: Any) -> Iterator[Any]:
        for number in starts:
            for offset, key in enumerate(there[number]):
                yield SimpleNamespace(partition=number, offset=offset, key=key)

    monkeypatch.setattr(module, "read_between", read)
    bounds = dict.fromkeys(range(now), 0)
    check_keys(cast("KafkaSettings", None), TopicFacts("by-target", "id", now, 1_000), bounds, bounds)


def test_where_partitions_stayed_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of an empty hop, and of a record without a key, which somebody outside has written."""
    check(monkeypatch, 3, 3, [*KEYS])
    check(monkeypatch, 3, 3, [None])
    check(monkeypatch, 2, 3, [])


def test_keys_that_moved_are_refused_with_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest records tell: they were written with the other number."""
    with pytest.raises(MovedKeysError, match=r"by-target was written with another number .* delete this topic"):
        check(monkeypatch, 2, 3, [*KEYS])


def test_hops_are_found_among_all_topics() -> None:
    """By how their names begin, in this deployment; the beginning alone is no hop."""
    names = common_from_env({"HOP_TOPICS": "mine.by-"}).topics
    found = names.hops_among(["mine.by-target", "mine.by-", "mine.by-device.id", "streaming.transactions.by-target"])
    assert found == [topics.hop_by("target"), topics.hop_by("device.id")]
    assert [names[hop] for hop in found] == ["mine.by-target", "mine.by-device.id"]


@pytest.mark.parametrize("begin", ["queueing.", "streaming.transactions.fraud"])
def test_no_other_topic_can_be_taken_for_a_hop(begin: str) -> None:
    """Its name, or that of its dead letters, would begin as theirs do."""
    with pytest.raises(SettingsError, match="HOP_TOPICS"):
        common_from_env({"HOP_TOPICS": begin})
