"""The auditor on a real Kafka: it finds what was written by hand to be wrong with the outcomes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from tests.support.audited import BAD, FRAUD, GOOD, forge, judged, run_audit
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.operations.audit.report import Report
    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration


def test_a_clean_pipeline_is_found_clean(deploy: Callable[..., Deployment]) -> None:
    """Every input offset has one outcome, and the line says so."""
    report = judged(deploy, *[GOOD] * 5).audit()
    assert report.line() == "audit: in=5 legit=5 fraud=0 dead-letter=0 lost=0 duplicated=0"


def with_more(pipeline: Deployment) -> Report:
    """Return the audit after a fraud for the second record and a dead letter for the third were written by hand."""
    forge(pipeline, topics.FRAUD, b"0:1")
    forge(pipeline, topics.TRANSACTIONS_DEAD_LETTER, b"0:2")
    return pipeline.audit()


def test_a_second_outcome_is_found(deploy: Callable[..., Deployment]) -> None:
    """The same outcome twice is a duplicate, named by its coordinates."""
    report = with_more(judged(deploy, GOOD, FRAUD, BAD))
    assert (report.duplicated, report.examples["duplicated"]) == (2, ["0:1", "0:2"])
    assert (report.both_branches, report.clean) == (0, False)


def test_outcomes_that_exclude_each_other_are_found(deploy: Callable[..., Deployment]) -> None:
    """On both branches, or on one and among the dead letters, is a kind of its own and no duplicate."""
    report = with_more(judged(deploy, GOOD, GOOD, FRAUD))
    assert (report.both_branches, report.examples["both-branches"]) == (2, ["0:1", "0:2"])
    assert (report.duplicated, report.clean) == (0, False)


def test_a_missing_outcome_is_found(deploy: Callable[..., Deployment]) -> None:
    """Input that was committed without an outcome is lost, named by its coordinates."""
    pipeline = judged(deploy, GOOD, GOOD)
    pipeline.put(GOOD, GOOD)
    pipeline.commit_by_hand("detector", 4)
    report = pipeline.audit()
    assert (report.input, report.lost, report.examples["lost"]) == (4, 2, ["0:2", "0:3"])


def test_an_outcome_of_nothing_is_found(deploy: Callable[..., Deployment]) -> None:
    """Unknown is an outcome without an origin, of an offset behind the input's end, and of a partition it lacks."""
    pipeline = judged(deploy, GOOD)
    forge(pipeline, topics.FRAUD, b"rubbish")
    forge(pipeline, topics.FRAUD, b"0:77")
    forge(pipeline, topics.LEGIT, b"9:0")
    report = pipeline.audit()
    assert (report.unknown, report.examples["unknown"]) == (3, ["0:77", "9:0", "fraud:0:0"])
    assert report.line().endswith("lost=0 duplicated=0 unknown=3")


def test_what_is_not_committed_yet_is_not_judged(deploy: Callable[..., Deployment]) -> None:
    """Input that nobody has got to is neither lost nor counted."""
    pipeline = judged(deploy, GOOD, GOOD)
    pipeline.put(GOOD)
    report = pipeline.audit()
    assert (report.input, report.clean) == (2, True)


def test_offsets_that_are_gone_are_told(deploy: Callable[..., Deployment]) -> None:
    """Outcomes of input that no detector has committed are not judged: the audit says so and ends with 69."""
    pipeline = judged(deploy, GOOD, GOOD)
    pipeline.environ["KAFKA_ID_PREFIX"] += "-another"
    run = run_audit(pipeline)
    assert run.returncode == 69, run.stderr
    assert "committed nothing in partition 0, yet 2 outcomes" in run.stdout
    assert "in=0 legit=0" in run.stdout.splitlines()[-1]


def test_a_pipeline_that_runs_is_clean_whenever_it_is_audited(deploy: Callable[..., Deployment]) -> None:
    """Guard: the order in which offsets are asked for; audits run while all three services work."""
    pipeline = deploy()

    def look() -> bool:
        report = pipeline.audit()
        assert report.clean, report
        for branch, found in zip(("legit", "fraud"), report.effects.values(), strict=True):
            assert found.done + found.dead_letters + found.pending == report.outcomes[branch]
        return report.input == 6000 and not any(found.pending for found in report.effects.values())

    with pipeline.running("detector", "legit_processor", "fraud_processor"):
        for _ in range(6):
            pipeline.put_many([GOOD, GOOD, FRAUD, BAD] * 250)
            look()
        eventually(look, 90, "all of it to be judged and settled")


def test_the_command_exits_with_1_and_names_them(deploy: Callable[..., Deployment]) -> None:
    """``python -m pipeline.operations.audit`` prints a table with coordinates; ``--json`` the whole report."""
    pipeline = judged(deploy, GOOD, GOOD)
    forge(pipeline, topics.LEGIT, b"0:0")
    run = run_audit(pipeline)
    assert run.returncode == 1, run.stderr
    assert "legit_processor  legit   ledger" in run.stdout
    assert "duplicated 1: input with the same outcome twice\n              0:0\n" in run.stdout
    assert run.stdout.splitlines()[-1] == "audit: in=2 legit=2 fraud=0 dead-letter=0 lost=0 duplicated=1"
    report = json.loads(run_audit(pipeline, "--json").stdout)
    assert (report["duplicated"], report["both-branches"], report["examples"]["duplicated"]) == (1, 0, ["0:0"])
    assert report["effects"]["legit_processor"]["method"] == "ledger"
