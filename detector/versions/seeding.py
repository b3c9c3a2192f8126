"""Brings the first version of rules into an empty topic: that of the file, by whichever replica comes first."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pipeline.contracts.rule_versions import Put, entries_of
from pipeline.runtime.startup import until_answered

if TYPE_CHECKING:
    from detector.versions.topic import RulesTopic
    from pipeline.contracts.rule_bodies import RuleBody
    from pipeline.contracts.rule_versions import Entry, Shelf
    from pipeline.runtime.backoff import Wait
    from pipeline.runtime.cluster_settings import KafkaSettings

logger = logging.getLogger(__name__)

SYSTEM: Final = "system"


def moment_now() -> str:
    """Return now as versions write it: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_or_seed(
    topic: RulesTopic, version: str, body: RuleBody, kafka: KafkaSettings, wait: Wait
) -> tuple[Shelf, int]:
    """Return what stands in the topic and the offset behind it; where it is empty, put this version there first.

    Raises:
        BrokerUnavailableError: no success within the start-up time, or access is refused.
        StoppedError: a stop was requested meanwhile.

    """

    def seeded() -> tuple[Shelf, int]:
        found = topic.read()
        if found[0].says_nothing():
            # Others may do the same now: one of them takes the id last, and finds what another has written, if any.
            topic.put(lambda shelf: entries if shelf.says_nothing() else [])
            found = topic.read()
        return found

    put = Put(version=version, author=SYSTEM, at=moment_now(), reason=f"the topic was empty: {body.name}")
    entries: list[Entry] = entries_of(put, body)
    shelf, end = until_answered(f"reading {topic.name}", seeded, kafka, wait)
    if shelf.last_put() == put:
        logger.info("rules %s of %s are the first version in %s", version, body.name, topic.name)
    return shelf, end
