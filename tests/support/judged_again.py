"""Judges the input of a pipeline again, in one go and uninterrupted: verdicts are a function of it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.contracts import headers, topics
from pipeline.contracts.codec import Codec, with_verdict
from pipeline.contracts.headers import HITS
from pipeline.contracts.hits import encode_hits
from pipeline.contracts.records import record_of
from pipeline.runtime.clients.cluster import Cluster
from tests.support.deployment import headers_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.coordinates import Coordinates
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
    name = pipeline.name(topics.TRANSACTIONS)
    with Cluster(pipeline.settings.kafka, "test") as cluster:
        codec = Codec(pipeline.settings.format, cluster.describe([name])[name].id)
    rules = load()
    found = {}
    for raw in sorted(pipeline.records(topics.TRANSACTIONS), key=lambda one: (one.partition, one.offset)):
        record = record_of(raw, is_input=True)
        judgement = rules.judge(codec.read(record), record.partition, record.timestamp_ms)
        rules.committed()
        if judgement.verdict is not None:
            value = with_verdict(record.value or b"", judgement.verdict)
            found[record.place] = Outcome(topics.FRAUD.key, value, None)
            continue
        noted = encode_hits(rules.version, judgement.noted, late=judgement.late)
        hits = noted if judgement.noted or judgement.late else None
        found[record.place] = Outcome(topics.LEGIT.key, record.value, hits)
    return found
