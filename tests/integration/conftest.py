"""What tests of single parts on a real Kafka share."""

from __future__ import annotations

import pytest

from pipeline.runtime.transactional import output
from pipeline.runtime.wire import coordinators, deliveries, writer


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let brokers take their time: on a busy machine another failure would come first, or one where none is due."""
    for module in (deliveries, coordinators):
        monkeypatch.setattr(module, "REQUEST_MS", 15_000)
    for module in (writer, output):
        monkeypatch.setattr(module, "FLUSH_SECONDS", 15.0)
    monkeypatch.setattr(writer, "TRANSACTION_MS", 40_000)
