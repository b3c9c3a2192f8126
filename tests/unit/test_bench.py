"""The pure parts of the benchmark: what it reads off Kafka, when a transaction was due, what counts."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka.structs import TopicPartition
from sqlalchemy.engine import make_url

from bench.arrivals import Arrival, on_schedule, settled_after
from bench.commits import Commit, Place, offset_of, place_of
from bench.deployment import SERVICES, Deployment, new_tag, offsets_partition
from bench.latency import WARM_SECONDS, first_counted
from bench.load import due_by, due_ns
from bench.percentiles import percentiles_ms
from bench.processes import ROOT, Processes
from bench.results import Drained
from bench.subjects import PIPELINE, numbered
from bench.throughput import Point, between, last_of
from bench.transactions import BEFORE_ID, ID_LENGTH, intended_ns, samples, with_time
from fraud_processor.settings import FraudSettings
from legit_processor.settings import LegitSettings
from tests.unit.commit_records import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MS = 1_000_000


def test_percentiles_are_latencies_that_occurred() -> None:
    """Nearest rank: of a thousand, the one below which 999 lie or which is the 999th, not something in between."""
    found = percentiles_ms(number * MS for number in range(1, 1001))
    assert found == {"p50": 500.0, "p95": 950.0, "p99": 990.0, "p99.9": 999.0, "max": 1000.0}
    assert percentiles_ms([7 * MS]) == dict.fromkeys(found, 7.0)
    assert percentiles_ms([]) == {}


def test_a_commit_is_read_as_kafka_writes_it() -> None:
    """Both versions of a commit's key; what is about a group's members is no commit."""
    for version in (0, 1):
        assert place_of(key_of("a.group", "a.topic", 3, version)) == Place("a.group", "a.topic", 3)
    assert place_of(struct.pack(">hh", 2, 1) + b"g") is None
    assert offset_of(struct.pack(">hqih", 3, 2**40, -1, 0)) == 2**40


@pytest.mark.parametrize("cut", range(len(key_of("group", "topic", 1))))
def test_a_key_that_ends_too_early_is_an_error(cut: int) -> None:
    """Wherever it is cut."""
    with pytest.raises(ValueError, match="key of"):
        place_of(key_of("group", "topic", 1)[:cut])


def test_a_value_that_ends_too_early_is_an_error() -> None:
    """It has a version and an offset at least."""
    with pytest.raises(ValueError, match="value of"):
        offset_of(b"\0\1\0")


def test_a_round_leaves_the_databases_of_the_project_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may be somebody's own, and one that grows from round to round gets slower."""
    given: dict[str, Mapping[str, str]] = {}

    def module(_: Processes, name: str, __: str, environ: Mapping[str, str], *, folder: Path) -> None:
        assert folder == ROOT
        given[name] = environ

    monkeypatch.setattr(Processes, "module", module)
    monkeypatch.setattr(Processes, "scratch", tmp_path)
    with Processes() as processes:
        PIPELINE.start(Deployment("127.0.0.1:1"), processes, quick_commits=True)
    ledger = LegitSettings.from_env(given["legit_processor"]).database
    cases = FraudSettings.from_env(given["fraud_processor"]).database
    assert ledger != cases
    assert all(Path(make_url(url).database or "").parent == tmp_path for url in (ledger, cases))


def test_the_groups_of_a_round_commit_to_partitions_of_their_own() -> None:
    """By the hash that Java has of their names: no open transaction hides another group's commit."""
    assert offsets_partition("a", 50) == 97 % 50
    assert offsets_partition("fraud-detector", 50) == 423_665_393 % 50  # Java's hash of it is below 0
    assert offsets_partition("polygenelubricants", 50) == 0  # and of this one the least number that there is
    tag = new_tag()
    assert len({offsets_partition(f"{tag}.{service}") for service in SERVICES}) == 3


def test_a_record_is_settled_by_the_first_commit_behind_it() -> None:
    """A commit names the next offset; one told again passes nothing; what no commit passed has no time."""
    place = Place("group", "legit", 0)
    commits = [Commit(place, 2, 100), Commit(place, 2, 150), Commit(place, 5, 200)]
    arrivals = [Arrival(TopicPartition("legit", 0), offset, 10) for offset in (0, 1, 2, 4, 5)]
    arrivals.append(Arrival(TopicPartition("legit", 1), 0, 10))
    assert settled_after(arrivals, commits, {"legit": "group"}) == [90, 90, 190, 190, None, None]


def test_what_a_rate_demands_is_when_a_transaction_was_due() -> None:
    """One that was sent late is late by all of that; one that came a moment early keeps its own time."""
    place = TopicPartition("legit", 0)
    sent = [Arrival(place, number, moment * MS) for number, moment in enumerate((50, 9, 0))]
    assert [one.intended_ns for one in on_schedule(sent, 100)] == [0, 9 * MS, 20 * MS]
    assert on_schedule([], 100) == []


def test_a_transaction_says_when_it_was_due() -> None:
    """Also where somebody read its JSON and wrote it again, with blanks."""
    sample = samples(3)[1]
    value = with_time(sample.value, 123_456_789, 7)
    assert len(value) == len(sample.value)
    assert value[:19] == BEFORE_ID
    assert len(json.loads(value)["transaction_id"]) == ID_LENGTH
    assert json.loads(value)["amount"] == json.loads(sample.value)["amount"]
    assert intended_ns(value) == 123_456_789
    assert intended_ns(json.dumps(json.loads(value)).encode()) == 123_456_789


@pytest.mark.parametrize("rate", [100.0, 1000.0, 3.0])
def test_a_transaction_is_due_at_its_moment_and_not_before(rate: float) -> None:
    """Whatever was sent before it; nothing is due before the begin."""
    assert due_by(-1, rate) == 0
    assert due_by(0, rate) == 1
    for number in (1, 7, 1_000):
        moment = due_ns(number, rate)
        assert due_by(moment - 1, rate) == number
        assert due_by(moment + 1, rate) == number + 1


@pytest.mark.parametrize("rate", [100.0, 1000.0, 25_831.9, 3.0])
def test_what_counts_is_due_after_the_time_to_warm_up(rate: float) -> None:
    """Rates that are not round included: a record more or less would be called unseen."""
    first = first_counted(rate)
    assert due_ns(first - 1, rate) < WARM_SECONDS * 1e9 <= due_ns(first, rate)


def test_counting_ends_before_what_is_left_over() -> None:
    """Unless there are too few commits to leave one out."""
    points = [Point(moment, moment * 100.0, 0.0) for moment in range(5)]
    assert last_of(points) == points[3]
    assert last_of(points[:3]) == points[2]


def test_a_round_is_what_passed_between_its_first_and_last_commit() -> None:
    """Neither what was done before the first nor what that took counts."""
    assert between(Point(10, 500, 1.0), Point(12, 1500, 1.5), 80.04) == Drained(
        records=1000, seconds=2.0, cpu_us=500.0, peak_mib=80.0
    )


def test_replicas_have_numbers() -> None:
    """The first keeps the name of its service."""
    assert numbered(("detector", "detector", "legit_processor")) == ("detector", "detector-2", "legit_processor")
