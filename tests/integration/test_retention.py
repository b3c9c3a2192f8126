"""What retention removes, on a real Kafka: handled data goes without a word, lost input is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from pipeline.runtime.transactional.start import LostOffsetsError
from tests.support.deployment import WITHIN
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

GOOD = b'{"source":"A1","target":"B2","amount":231.67,"currency":"EUR"}'
FRAUD = b'{"source":"A1","target":"B2","amount":950,"currency":"EUR"}'


def test_handled_data_that_retention_removes_is_no_loss(deploy: Callable[..., Deployment]) -> None:
    """Guard: ``Intake._commit_positions``; the marker behind the last record would seem to be lost input."""
    pipeline = deploy(partitions=1)
    pipeline.put(GOOD, GOOD)
    with pipeline.running("detector", "legit_processor"):
        eventually(
            lambda: pipeline.committed("legit_processor") == {0: 3},
            WITHIN,
            "the marker behind two records to be passed",
        )
    pipeline.cut(topics.LEGIT, 3)
    pipeline.put(GOOD)
    with pipeline.running("detector", "legit_processor") as printed:
        eventually(printed["legit_processor"].getvalue, WITHIN, "the next settlement")


def test_input_that_nobody_read_is_told_with_its_range(deploy: Callable[..., Deployment]) -> None:
    """The service refuses, names what is lost and what accepts it; with that it goes on."""
    pipeline = deploy(partitions=1)
    pipeline.put(GOOD)
    with pipeline.running("detector"):
        pipeline.wait_until_judged(1)
    pipeline.put(GOOD, GOOD, GOOD)
    pipeline.cut(topics.TRANSACTIONS, 3)
    with (
        pytest.raises(LostOffsetsError, match=r"lost offsets 1 to 2 .*LOST_OFFSETS=beginning"),
        pipeline.running("detector"),
    ):
        eventually(lambda: not pipeline.serving("detector"), WITHIN, "the detector to refuse")
    pipeline.environ["LOST_OFFSETS"] = "beginning"
    with pipeline.running("detector"):
        eventually(lambda: pipeline.committed("detector") == {0: 4}, WITHIN, "the rest to be judged")


def test_offsets_that_are_gone_are_told_where_outputs_exist(deploy: Callable[..., Deployment]) -> None:
    """To begin again would write everything twice."""
    pipeline = deploy(partitions=1)
    pipeline.put(GOOD)
    with pipeline.running("detector"):
        pipeline.wait_until_judged(1)
    pipeline.environ["KAFKA_ID_PREFIX"] += "-another"
    with pytest.raises(LostOffsetsError, match="has outputs but no committed offset"), pipeline.running("detector"):
        eventually(lambda: not pipeline.serving("detector"), WITHIN, "the detector to refuse")


def test_the_auditor_judges_what_it_can_see(deploy: Callable[..., Deployment]) -> None:
    """Input and outputs are cut at different places: nothing is taken for lost or unknown, and the rest is told."""
    pipeline = deploy(partitions=1)
    pipeline.put(*[GOOD, FRAUD] * 10)
    with pipeline.running("detector"):
        pipeline.wait_until_judged(20)
    pipeline.cut(topics.TRANSACTIONS, 4)
    report = pipeline.audit()
    assert (report.input, report.clean, report.unseen) == (16, True, 0)
    pipeline.cut(topics.LEGIT, 5)
    report = pipeline.audit()
    assert (report.input, report.clean, report.unseen) == (13, True, 3)
    assert "not judged: 3" in report.line()
