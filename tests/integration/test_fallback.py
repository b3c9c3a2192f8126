"""A service whose client nobody has tested with whole batches, on a real Kafka: slower, and as right as any."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from pipeline.runtime.record_path import BATCHES, RECORDS
from tests.support.audited import BAD, FRAUD, GOOD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

DETECTOR = ("detector",)
UNTESTED = ("tests.support.untested_client", "detector")


@pytest.mark.parametrize(
    ("command", "asked", "taken", "warns"),
    [(UNTESTED, BATCHES, RECORDS, True), (DETECTOR, RECORDS, RECORDS, False), (DETECTOR, BATCHES, BATCHES, False)],
    ids=["untested", "asked for", "default"],
)
def test_a_detector_routes_and_says_which_way_records_go(  # noqa: PLR0913, PLR0917 (what is asked and what comes of it)
    command: tuple[str, ...],
    asked: str,
    taken: str,
    warns: bool,  # noqa: FBT001 (as above)
    deploy: Callable[..., Deployment],
    tmp_path: Path,
) -> None:
    """A warning where it is not the way that was asked for, the way in the line that says it has started, and a job."""
    pipeline = deploy(partitions=1, PIPELINE_RECORD_PATH=asked)
    pipeline.put(GOOD, FRAUD, BAD, GOOD)
    log = tmp_path / "detector.log"
    module, *arguments = command
    process = pipeline.spawn(module, log, *arguments)
    report = pipeline.wait_until_judged(4)
    assert report.clean
    assert report.outcomes == {"legit": 2, "fraud": 1, "dead-letter": 1}
    assert [record.value for record in pipeline.records(topics.LEGIT)] == [GOOD, GOOD]
    process.terminate()
    assert process.wait(30) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (started,) = [line for line in lines if line["message"] == "started"]
    assert started["records"] == taken
    warned = [line for line in lines if line["message"].startswith("records are moved one by one")]
    assert len(warned) == warns
