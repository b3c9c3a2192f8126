"""Makes the topics between stages: which there are is a matter of rules, so whoever follows the rules makes them.

What they hold is worth what the input holds: they are like it in partitions, replicas and what counts as written.
"""

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING, Final

from pipeline.contracts import topics
from pipeline.errors import PipelineError
from pipeline.runtime.batches.partitioning import partitions_of
from pipeline.runtime.clients.cluster import MAX_MESSAGE_BYTES, Cluster
from pipeline.runtime.clients.connection import ACCESS_ERRORS
from pipeline.runtime.clients.reading import read_between
from pipeline.runtime.retention import RETENTION_MS, keep_for
from pipeline.runtime.startup import until_answered, wait_for_topics

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pipeline.contracts.topics import Topic
    from pipeline.runtime.backoff import Wait
    from pipeline.runtime.clients.cluster import TopicFacts
    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.retention import Lengthened
    from pipeline.runtime.settings import CommonSettings

logger = logging.getLogger(__name__)

LOOKED_AT: Final = 100  # of the oldest records of each partition
IDLE_SECONDS: Final = 30.0

MIN_INSYNC: Final = "min.insync.replicas"
# For the verdict and what is told besides, as in every output, and for what the stages have found.
HEADROOM_BYTES: Final = 2 * topics.OUTPUT_HEADROOM_BYTES


def prepare_logs(common: CommonSettings, hops: Collection[Topic], reach_ms: int, client_id: str, wait: Wait) -> None:
    """Create those that are missing, and let them and the input keep records for ``reach_ms``: as rules look back.

    Of an input that we may not change, a warning says so.

    Raises:
        BrokerUnavailableError: the cluster does not answer, has no input, or refuses us.
        MovedKeysError: one has got more partitions since it was written.
        StoppedError: a stop was requested meanwhile.

    """
    if not (hops or reach_ms):
        return
    entry = common.topics[topics.TRANSACTIONS]
    wait_for_topics([entry], common.kafka, client_id, wait)
    until_answered(
        "looking after the topics that rules look back in",
        lambda: _prepare(common, hops, reach_ms, client_id),
        common.kafka,
        wait,
    )


class MovedKeysError(PipelineError):
    """Keys of a hop belong to other partitions than their history stands in."""


def check_keys(kafka: KafkaSettings, hop: TopicFacts, starts: Mapping[int, int], ends: Mapping[int, int]) -> None:
    """Look whether the oldest records stand where their keys belong, by how many partitions there are now.

    Raises:
        MovedKeysError: one does not; the sentence names the steps.
        ReadingStalledError: they could not be read.
        KafkaError: no broker answers.

    """
    for number, start in starts.items():
        oldest = read_between(kafka, hop.name, {number: start}, {number: ends[number]}, IDLE_SECONDS)
        for record in islice(oldest, LOOKED_AT):
            if record.key is not None and partitions_of([record.key], hop.partitions) != [number]:
                raise MovedKeysError(
                    f"{hop.name} was written with another number of partitions than its {hop.partitions}: what rules "
                    f"know of a key would be cut in two ({number}:{record.offset}). Stop whatever writes to the input, "
                    "wait until the audit tells of nothing under way, stop every detector, delete this topic, and "
                    "start them again: they make it anew, and rules by its key begin with no history"
                )


def keep_logs(common: CommonSettings, hops: Collection[Topic], reach_ms: int, client_id: str) -> list[Lengthened]:
    """Let the input, and those hops that are there, keep records as far as rules are to look back.

    Raises:
        KafkaError: no broker answers, or one of them may not be changed by us.

    """
    names = [common.topics[topic] for topic in (topics.TRANSACTIONS, *hops)]
    with Cluster(common.kafka, client_id) as cluster:
        there = set(cluster.names())
        return keep_for(cluster, {name: reach_ms for name in names if name in there})


def _prepare(common: CommonSettings, hops: Collection[Topic], reach_ms: int, client_id: str) -> None:
    entry = common.topics[topics.TRANSACTIONS]
    with Cluster(common.kafka, client_id) as cluster:
        try:
            changed = keep_for(cluster, {entry: reach_ms})
        except ACCESS_ERRORS as error:
            logger.warning(
                "%s may not be changed (%s), and keeps records for less than rules look back: let somebody set "
                "%s=%d there, or rules forget what retention removes",
                entry,
                error or type(error).__name__,
                RETENTION_MS,
                reach_ms,
            )
        else:
            for one in changed:
                logger.warning("%s", one.told())
        if hops:
            _make(common, cluster, {common.topics[hop]: max(hop.retention_ms, reach_ms) for hop in hops})


def _make(common: CommonSettings, cluster: Cluster, kept_ms: dict[str, int]) -> None:
    entry = common.topics[topics.TRANSACTIONS]
    facts = cluster.describe([entry, *kept_ms])
    needed_bytes = facts[entry].max_message_bytes + HEADROOM_BYTES
    for name in sorted(kept_ms.keys() - facts.keys()):
        configs = {RETENTION_MS: str(kept_ms[name]), MAX_MESSAGE_BYTES: str(needed_bytes)}
        insync = cluster.config([entry], MIN_INSYNC).get(entry)
        configs |= {} if insync is None else {MIN_INSYNC: str(insync)}
        cluster.create(name, facts[entry].partitions, cluster.replicas(entry), configs)
        logger.info("created %s", name, extra={"partitions": facts[entry].partitions})
    there = sorted(kept_ms.keys() & facts.keys())
    for one in keep_for(cluster, {name: kept_ms[name] for name in there}):
        logger.warning("%s", one.told())
    for name in there:
        check_keys(
            common.kafka,
            facts[name],
            cluster.beginnings(name, facts[name].partitions),
            cluster.ends(name, facts[name].partitions),
        )
        if facts[name].max_message_bytes < needed_bytes:
            cluster.set_config(name, {MAX_MESSAGE_BYTES: str(needed_bytes)})
            logger.info("raised %s of %s", MAX_MESSAGE_BYTES, name)
