"""A consumer of the client that stops bringing records, on a real Kafka: reading goes on with another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.contracts import topics
from pipeline.runtime.clients.consumers import group_consumer
from pipeline.runtime.record_path import one_by_one
from pipeline.runtime.transactional import Intake, standstill
from pipeline.runtime.transactional.start import REFUSE
from tests.support.audited import GOOD
from tests.support.parts import group_of, next_batch
from tests.support.pieces import records_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration


def test_reading_goes_on_with_another_consumer(
    deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guard: without the look at what waits, this process would be a healthy member that reads nothing, for ever."""
    monkeypatch.setattr(standstill, "LOOK_SECONDS", 1.0)
    pipeline = deploy(partitions=1)
    made: list[Any] = []

    def make() -> Any:
        made.append(group_consumer(pipeline.settings.kafka, group_of(pipeline), pipeline.name(topics.TRANSACTIONS)))
        return made[-1]

    intake = Intake(make, read=one_by_one(is_input=True).read, lost=REFUSE, has_outputs=lambda _: False)
    try:
        pipeline.put(GOOD)
        assert len(next_batch(intake)) == 1
        before = len(made)  # on a busy machine one may have been too slow for a second
        made[-1]._fetcher.fetch_records = lambda *_arguments, **_keywords: ({}, True)  # noqa: SLF001 (it hangs)
        pipeline.put(GOOD)
        # Nothing was committed: the new one begins where the group stands.
        assert [record.offset for record in records_of(next_batch(intake))] == [0, 1]
        assert len(made) > before
    finally:
        intake.close()
