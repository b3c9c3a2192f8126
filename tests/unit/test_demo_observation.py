"""What the demo counts: records of topics, and not what is written beside them to tell of them."""

from __future__ import annotations

import pytest

from demo.observation import is_counted
from pipeline.contracts import headers, topics


@pytest.mark.parametrize(
    ("topic", "found", "counted"),
    [
        (topics.TRANSACTIONS_DEAD_LETTER, [(headers.REASON.name, b"empty")], True),
        (topics.TRANSACTIONS_DEAD_LETTER, [(headers.MARKER.name, b"resume")], False),
        (topics.FRAUD_DEAD_LETTER, [(headers.MARKER.name, b"redriven")], False),
        (topics.LEGIT, [], True),
        (topics.LEGIT, [(headers.RELEASED.name, b"0:1")], False),
    ],
)
def test_markers_and_what_was_released_are_no_outcomes(
    topic: topics.Topic, found: list[headers.Header], *, counted: bool
) -> None:
    """To let a service go on is no dead letter; a released payment was counted as the fraud it was taken for."""
    assert is_counted(topic, found) == counted
