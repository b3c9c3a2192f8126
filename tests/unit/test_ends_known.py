"""Asking a consumer where partitions begin and end, while it does not know all of their topics yet."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from kafka.errors import LeaderNotAvailableError
from kafka.structs import TopicPartition

from pipeline.runtime.clients import consumers
from pipeline.runtime.clients.consumers import ends_known

ONE, OTHER = TopicPartition("input", 0), TopicPartition("hop", 0)


class Client:
    """Answers as kafka-python does: of what it does not know, for the first ``unknown`` times, by a KeyError."""

    def __init__(self, unknown: int) -> None:
        self.unknown = unknown

    def end_offsets(self, places: list[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
        """Answer, or fail."""
        assert timeout_ms > 0
        assert places == [OTHER, ONE]
        self.unknown -= 1
        if self.unknown >= 0:
            raise KeyError(ONE)
        return dict.fromkeys(places, 7)


def test_a_topic_that_becomes_known_is_waited_for() -> None:
    """What was made a moment ago is known a moment later."""
    assert ends_known(Client(2).end_offsets, {ONE: 1, OTHER: 2}) == {ONE: 7, OTHER: 7}


def test_a_topic_that_does_not_is_an_error_that_is_tried_again() -> None:
    """And no bug, which would end the process."""
    wait: Any = patch.object(consumers, "METADATA_SECONDS", 0.05)
    with wait, pytest.raises(LeaderNotAvailableError, match="input"):
        ends_known(Client(1 << 30).end_offsets, [ONE, OTHER])
