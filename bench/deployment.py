"""Topics, groups and settings that belong to one round, so that no round sees anything of another."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from kafka import KafkaAdminClient

from pipeline.runtime.lifecycle import Stop
from pipeline.runtime.provision import ProvisionSettings, provision
from pipeline.runtime.settings import CommonSettings, common_from_env

if TYPE_CHECKING:
    from pipeline.contracts.topics import Topic

PARTITIONS: Final = 4
OFFSETS_PARTITIONS: Final = 8  # of __consumer_offsets, as kafka_local sets its brokers up
SERVICES: Final = ("detector", "legit_processor", "fraud_processor")
_INTS: Final = 1 << 32


def offsets_partition(group: str, partitions: int = OFFSETS_PARTITIONS) -> int:
    """Return the partition of ``__consumer_offsets`` that a group's commits go to: Java's hash of its name."""
    found = 0
    for character in group:
        found = (found * 31 + ord(character)) % _INTS
    # The hash has a sign, of which brokers take no notice; the least of all numbers counts as 0.
    return min(found, _INTS - found) % (_INTS // 2) % partitions


def new_tag() -> str:
    """Return a new prefix whose groups commit to partitions of their own.

    An open transaction holds back all readers of a partition. Two groups in one would hide each other's commits from
    us, for a few milliseconds that belong to neither.
    """
    while True:
        tag = f"bench-{uuid.uuid4().hex[:12]}"
        if len({offsets_partition(f"{tag}.{service}") for service in SERVICES}) == len(SERVICES):
            return tag


@dataclass(frozen=True)
class Deployment:
    """Names of its own on a broker.

    ``input_topic`` is one that is filled already; empty: one of its own. ``variables`` set services up in other ways.
    """

    bootstrap: str
    input_topic: str = ""
    tag: str = field(default_factory=new_tag)
    variables: dict[str, str] = field(default_factory=dict)

    @cached_property
    def environ(self) -> dict[str, str]:
        """What services and peers are set up by."""
        return {
            "KAFKA_BROKER_URL": self.bootstrap,
            "KAFKA_ID_PREFIX": self.tag,
            "TRANSACTIONS_TOPIC": self.input_topic or f"{self.tag}.transactions",
            "LEGIT_TOPIC": f"{self.tag}.legit",
            "FRAUD_TOPIC": f"{self.tag}.fraud",
            "LABELS_TOPIC": f"{self.tag}.labels",
            "RULES_TOPIC": f"{self.tag}.rules",
            "SNAPSHOTS_TOPIC": f"{self.tag}.snapshots",
            "HOP_TOPICS": f"{self.tag}.by-",
            "TOPIC_PARTITIONS": str(PARTITIONS),
            "LOG_FORMAT": "json",
            **self.variables,
        }

    @cached_property
    def settings(self) -> CommonSettings:
        """The shared settings that ``environ`` makes."""
        return common_from_env(self.environ)

    def name(self, topic: Topic) -> str:
        """Return what a topic is called here."""
        return self.settings.topics[topic]

    def group(self, service: str) -> str:
        """Return the consumer group of a service; a peer takes the detector's."""
        return self.settings.kafka.group_of(service)

    def provision(self) -> None:
        """Create the topics, as the product does."""
        provision(ProvisionSettings.from_env(self.environ), Stop())

    def remove(self) -> None:
        """Delete the topics that are its own, so that a long run does not fill the disk."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.delete_topics(sorted(name for name in admin.list_topics() if name.startswith(self.tag)))
        finally:
            admin.close()
