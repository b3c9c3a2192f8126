"""Judges the input of a pipeline again, in one go and uninterrupted: verdicts are a function of it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detector.so_far import so_far_of
from pipeline.contracts import headers, topics
from pipeline.contracts.caveats import NONE
from pipeline.contracts.codec import Codec, with_verdict
from pipeline.contracts.headers import HITS
from pipeline.contracts.hits import encode_hits
from pipeline.contracts.records import record_of
from pipeline.runtime.clients.cluster import Cluster
from tests.support.deployment import headers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from detector.rules.ruleset import Judgement, RuleSet
    from detector.rules.stage import Found
    from pipeline.contracts.coordinates import Coordinates
    from pipeline.contracts.records import Record
    from pipeline.contracts.topics import Topic
    from tests.support.deployment import Deployment


class Outcome(NamedTuple):
    """What became of a transaction: the key of its topic, its bytes, and the header of hits that did not suffice."""

    topic: str
    value: bytes | None
    hits: bytes | None


def outcomes(pipeline: Deployment) -> dict[Coordinates, Outcome]:
    """Return what the detectors have made of the input, by the coordinates of the transaction."""
    found = {}
    for topic in (topics.LEGIT, topics.FRAUD):
        for record in pipeline.records(topic):
            origin = headers.coordinates_in(record.headers, headers.ORIGIN)
            assert origin is not None
            assert origin not in found
            found[origin] = Outcome(topic.key, record.value, headers_of(record).get(HITS.name))
    return found


def judged_again(pipeline: Deployment, load: Callable[[], RuleSet]) -> dict[Coordinates, Outcome]:
    """Return what a rule set that has seen nothing makes of each partition of the input, from its first record on."""
    codec, rules = codec_of(pipeline), load()
    found = {}
    for record in log_of(pipeline, topics.TRANSACTIONS):
        judgement = rules.judge(codec.read(record), record.partition, record.timestamp_ms)
        rules.committed()
        found[record.place] = _outcome(record, judgement, rules)
    return found


def judged_again_in_stages(
    pipeline: Deployment, hop: Topic, load: Callable[[str], RuleSet], seen: set[str] | None = None
) -> dict[Coordinates, Outcome]:
    """Return what each record comes to by the version that it carries in the hop, by what the two logs hold before it.

    ``load`` returns a version that has seen nothing. Each has read both logs, from their first records on. ``seen``
    gets the versions that records carry.
    """
    codec = codec_of(pipeline)
    passed_on = list(log_of(pipeline, hop))
    versions = {record.origin: so_far_of(record).ruleset for record in passed_on}
    by_place = {}
    found: dict[Coordinates, Outcome] = {}
    carried = set(versions.values())
    if seen is not None:
        seen |= carried
    for version in carried:
        rules = load(version)
        firsts: dict[Coordinates | None, Found] = {}
        for record in log_of(pipeline, topics.TRANSACTIONS):
            by_place[record.place] = record
            transaction = codec.read(record)
            firsts[record.origin] = rules.stages[0].find(transaction, record.partition, record.timestamp_ms)
            rules.committed()
        for record in passed_on:
            transaction = codec.read(record)
            second = rules.stages[1].find(transaction, record.partition, record.timestamp_ms)
            rules.committed()
            if versions[record.origin] == version and record.origin is not None:
                judgement = rules.weigh(transaction, firsts[record.origin].and_then(second))
                found[record.origin] = _outcome(by_place[record.origin], judgement, rules)
    return found


def codec_of(pipeline: Deployment) -> Codec:
    """Return what reads the pipeline's transactions."""
    name = pipeline.name(topics.TRANSACTIONS)
    with Cluster(pipeline.settings.kafka, "test") as cluster:
        return Codec(pipeline.settings.format, cluster.describe([name])[name].id)


def log_of(pipeline: Deployment, topic: Topic) -> Iterator[Record]:
    """Return the records of a topic, each partition's in its order."""
    for raw in sorted(pipeline.records(topic), key=lambda one: (one.partition, one.offset)):
        yield record_of(raw, is_input=topic is topics.TRANSACTIONS)


def _outcome(record: Record, judgement: Judgement, rules: RuleSet) -> Outcome:
    if judgement.verdict is not None:
        return Outcome(topics.FRAUD.key, with_verdict(record.value or b"", judgement.verdict), None)
    noted = encode_hits(rules.version, judgement.noted, judgement.caveats)
    return Outcome(topics.LEGIT.key, record.value, noted if judgement.noted or judgement.caveats != NONE else None)
