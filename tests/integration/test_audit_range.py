"""The auditor on a real Kafka: a range of time, and what retention has cut."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.contracts import topics
from pipeline.operations.audit.auditor import audit
from pipeline.operations.audit.scope import Period, Scope
from pipeline.operations.audit.starts import starts_for
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.lifecycle import Stop
from tests.support.audited import FRAUD, GOOD, forge, run_audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.operations.audit.report import Report
    from tests.support.deployment import Deployment

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC).replace(microsecond=0)


def at(minutes: float) -> datetime:
    """Return a moment so many minutes after that from which these tests count, an hour ago."""
    return NOW - timedelta(hours=1) + timedelta(minutes=minutes)


def put_times(pipeline: Deployment, times: Iterable[datetime], partition: int = 0) -> None:
    """Write a record of each time to a partition of the input, in the order given."""
    with pipeline.producer(linger_ms=20) as producer:
        for time in times:
            producer.send(
                pipeline.name(topics.TRANSACTIONS),
                GOOD,
                partition=partition,
                timestamp_ms=int(time.timestamp() * 1000),
            )


def put_at(pipeline: Deployment, minutes: Iterable[float], partition: int = 0) -> None:
    """Write a record a minute that is named to a partition of the input, in the order of the names."""
    put_times(pipeline, map(at, minutes), partition)


def judge(pipeline: Deployment, count: int) -> None:
    """Let the detector work until so much is judged."""
    with pipeline.running("detector"):
        pipeline.wait_until_judged(count)


def audit_of(pipeline: Deployment, since: float | None = None, until: float | None = None) -> Report:
    """Return the auditor's word on a range, by minutes."""
    period = Period(None if since is None else at(since), None if until is None else at(until))
    return audit(pipeline.settings.kafka, pipeline.settings.topics, Stop().wait, lambda _: None, period)


def test_a_range_is_turned_into_offsets(deploy: Callable[..., Deployment]) -> None:
    """It reaches from the first record at or after its beginning to before the first at or after its end."""
    pipeline = deploy()
    put_at(pipeline, [0, 10, 5, 20, 12, 30, 40])
    put_at(pipeline, [1, 2, 3], partition=1)
    judge(pipeline, 10)
    report = audit_of(pipeline, since=10, until=30)
    assert [(judged.first, judged.end, judged.input) for judged in report.judged.values()] == [(1, 5, 4), (3, 3, 0)]
    assert report.line() == "audit: in=4 legit=4 fraud=0 dead-letter=0 lost=0 duplicated=0"
    assert report.effects["legit_processor"].pending == 4
    assert [audit_of(pipeline, since=since).input for since in (0, 2, 41)] == [10, 6 + 2, 0]
    assert [audit_of(pipeline, until=until).input for until in (0, 2, 41)] == [0, 1 + 1, 10]


def test_violations_count_where_their_origin_is_in_the_range(deploy: Callable[..., Deployment]) -> None:
    """Others are neither told nor taken for unknown, wherever they stand."""
    pipeline = deploy()
    put_at(pipeline, range(8))
    judge(pipeline, 8)
    for origin in (b"0:1", b"0:4", b"0:7"):
        forge(pipeline, topics.LEGIT, origin)
    report = audit_of(pipeline, since=3, until=6)
    assert (report.input, report.duplicated, report.examples["duplicated"]) == (3, 1, ["0:4"])
    assert (report.unknown, report.lost, audit_of(pipeline, since=5, until=7).clean) == (0, 0, True)


def test_effects_count_where_their_origin_is_in_the_range(deploy: Callable[..., Deployment]) -> None:
    """A second letter of a record from before the range is not told, one from within it is."""
    pipeline = deploy()
    put_at(pipeline, range(6))
    judge(pipeline, 6)
    pipeline.commit_by_hand("legit_processor", 5)
    for place in (b"0:1", b"0:4"):
        for _ in range(2):
            forge(pipeline, topics.LEGIT_DEAD_LETTER, place, source=place)
    report = audit_of(pipeline, since=3)
    assert (report.effect_twice, report.examples["effect-twice"], report.unknown) == (1, ["legit:0:4"], 0)
    found = report.effects["legit_processor"]
    assert (found.done, found.dead_letters, found.pending) == (1, 1, 1)


def test_input_that_was_read_twice_is_found_in_a_range(deploy: Callable[..., Deployment]) -> None:
    """Guard: the search alone could find the second copy and miss the first; record times lead to the first."""
    pipeline = deploy()
    put_at(pipeline, (number / 50 for number in range(2000)))
    judge(pipeline, 2000)
    pipeline.commit_by_hand("detector", 0)
    with pipeline.running("detector"):
        pipeline.wait_for_records(topics.LEGIT, 4000)
    report = audit_of(pipeline, since=30)
    assert (report.input, report.duplicated, report.examples["duplicated"][0]) == (500, 500, "0:1500")


def test_an_output_is_not_read_from_its_beginning(deploy: Callable[..., Deployment]) -> None:
    """The place is found though times are of no help, and not one outcome of the range stands before it."""
    pipeline = deploy(partitions=1)
    put_at(pipeline, [0, *[50] * 3000])
    judge(pipeline, 3001)
    kafka, name, entry = pipeline.settings.kafka, pipeline.name(topics.LEGIT), pipeline.name(topics.TRANSACTIONS)
    with Cluster(kafka, "test") as cluster:
        facts = cluster.describe([name])[name]
    scope = Scope(entry, {0: 0}, {0: 3001}, {0: 3001}, Period(at(50)), {0: 2000})
    (start,) = starts_for(kafka, facts, scope, {0: 0}, {}, ordered=True).values()
    place = next(
        record.offset for record in pipeline.records(topics.LEGIT) if ("pipeline.origin", b"0:2000") in record.headers
    )
    assert place - 600 < start <= place


def test_outputs_of_other_partitions_are_read_whole(deploy: Callable[..., Deployment]) -> None:
    """Where an output has another number of partitions, origins of several interleave; nothing is missed."""
    pipeline = deploy(partitions=1)
    with Cluster(pipeline.settings.kafka, "test") as cluster:
        cluster.create(f"{pipeline.tag}.two", 2, 1, {})
    pipeline = deploy(partitions=1, TRANSACTIONS_TOPIC=f"{pipeline.tag}.two")
    put_at(pipeline, range(6))
    put_at(pipeline, range(6), partition=1)
    judge(pipeline, 12)
    report = audit_of(pipeline, since=2, until=5)
    assert (report.clean, report.input, report.outcomes["legit"]) == (True, 6, 6)
    pipeline.cut(topics.LEGIT, 3)
    assert audit_of(pipeline).clean


def test_what_retention_took_before_the_detector_came_is_found(deploy: Callable[..., Deployment]) -> None:
    """It is named as a range of the input."""
    pipeline = deploy()
    put_at(pipeline, range(3))
    judge(pipeline, 3)
    put_at(pipeline, range(3, 8))
    pipeline.cut(topics.TRANSACTIONS, 6)
    report = pipeline.audit()
    assert (report.unread, report.examples["unread"], report.clean) == (3, ["0:3-5"], False)
    assert report.line() == "audit: in=0 legit=0 fraud=0 dead-letter=0 lost=0 duplicated=0 unread=3"


def test_a_range_is_judged_after_retention_has_cut_the_input(deploy: Callable[..., Deployment]) -> None:
    """What is left of the range is judged, and the table says what cannot be seen."""
    pipeline = deploy()
    put_at(pipeline, range(10))
    judge(pipeline, 10)
    pipeline.cut(topics.TRANSACTIONS, 4)
    report = audit_of(pipeline, since=2, until=8)
    assert (report.clean, report.input, report.judged[0].first) == (True, 4, 4)
    run = run_audit(pipeline, "--since", at(2).isoformat(), "--until", at(8).isoformat())
    assert run.returncode == 0, run.stderr
    assert "retention has removed the input before 0:4" in run.stdout


def test_an_output_that_was_cut_hides_only_what_it_held(deploy: Callable[..., Deployment]) -> None:
    """Input whose outcome stands in another output is judged; nothing that is hidden is called lost."""
    pipeline = deploy(partitions=1)
    pipeline.put(*[GOOD, FRAUD] * 5)
    judge(pipeline, 10)
    end = max(record.offset for record in pipeline.records(topics.FRAUD)) + 1
    pipeline.cut(topics.FRAUD, end)
    report = pipeline.audit()
    assert (report.clean, report.input, report.unseen, report.outcomes["legit"]) == (True, 5, 5, 5)


def test_the_command_takes_a_range(deploy: Callable[..., Deployment]) -> None:
    """Durations count back from now; a wrong one ends with 2 and says what would be right."""
    pipeline = deploy()
    long_ago, just_now = at(-10 * 60), datetime.now(UTC)
    put_times(pipeline, [long_ago, just_now])
    judge(pipeline, 2)
    run = run_audit(pipeline, "--since", "30m", "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["input"] == 1
    wrong = run_audit(pipeline, "--since", "yesterday")
    assert (wrong.returncode, "such as 90m, 2h or 1d" in wrong.stderr) == (2, True)
