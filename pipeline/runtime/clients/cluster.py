"""What the cluster says of itself: topics with their ids, partitions and limits, and what groups have committed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from kafka.admin import ConfigResource, KafkaAdminClient, OffsetSpec
from kafka.errors import TopicAlreadyExistsError
from kafka.structs import TopicPartition

from pipeline.runtime.clients.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from pipeline.runtime.cluster_settings import KafkaSettings

MAX_MESSAGE_BYTES = "max.message.bytes"
CLEANUP_POLICY = "cleanup.policy"
COMPACT = "compact"
DEFAULT_MAX_MESSAGE_BYTES = 1_048_588  # Kafka's own, for whoever may not read a topic's settings
REQUEST_MS = 10_000
READ_COMMITTED = "read_committed"


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic as the cluster has it. ``id`` changes when a topic is deleted and made anew; sizes are in bytes."""

    name: str
    id: str
    partitions: int
    max_message_bytes: int


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group: as it calls itself, and the address that it has for the broker."""

    client: str
    host: str


@dataclass(frozen=True, slots=True)
class Committed:
    """How far a group has got in a partition: the next offset, and what it has written beside that."""

    offset: int
    metadata: str


class Cluster:
    """An administrative connection, for the time of a ``with`` block.

    Raises:
        KafkaError: from every method, where no broker answers or access is refused.

    """

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self._admin = connect(KafkaAdminClient, settings, client_id=client_id, request_timeout_ms=REQUEST_MS)

    def __enter__(self) -> Self:
        """Return the connection."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection, where no ``with`` block does."""
        self._admin.close()

    def describe(self, names: Iterable[str]) -> dict[str, TopicFacts]:
        """Return the facts of those of the topics that exist and have a leader for every partition."""
        wanted = list(names)
        found = {
            topic["name"]: topic
            for topic in self._admin.describe_topics(wanted)
            if topic["error_code"] == 0 and all(part["leader_id"] >= 0 for part in topic["partitions"])
        }
        limits = self.config(list(found), MAX_MESSAGE_BYTES)
        return {
            name: TopicFacts(
                name, str(topic["topic_id"]), len(topic["partitions"]), int(limits.get(name, DEFAULT_MAX_MESSAGE_BYTES))
            )
            for name, topic in found.items()
        }

    def id(self) -> str:
        """Return what the cluster calls itself; another one has another id."""
        return str(self._admin.describe_cluster()["cluster_id"])

    def names(self) -> list[str]:
        """Return the names of all topics that we may see."""
        return sorted(self._admin.list_topics())

    def replicas(self, name: str) -> int:
        """Return how many replicas a topic has, which has to exist: of its first partition."""
        (described,) = self._admin.describe_topics([name])
        return len(described["partitions"][0]["replica_nodes"])

    def create(self, name: str, partitions: int, replication: int | None, configs: dict[str, str]) -> None:
        """Create a topic; without ``replication`` the broker's default holds. One that exists stays as it is."""
        wanted = {"num_partitions": partitions, "replication_factor": replication or -1, "configs": configs}
        with suppress(TopicAlreadyExistsError):
            self._admin.create_topics({name: wanted})

    def set_config(self, name: str, configs: dict[str, str]) -> None:
        """Change some settings of a topic and leave the others alone."""
        self._admin.alter_configs([ConfigResource("TOPIC", name, configs=configs)])

    def committed(self, group: str, topic: str, partitions: int) -> dict[int, int]:
        """Return the committed offset by partition, for those that have one."""
        return {partition: found.offset for partition, found in self.handled(group, topic, partitions).items()}

    def handled(self, group: str, topic: str, partitions: int) -> dict[int, Committed]:
        """Return the committed offset by partition with its metadata, for those that have one."""
        wanted = [TopicPartition(topic, partition) for partition in range(partitions)]
        offsets = self._admin.list_group_offsets({group: wanted})[group]
        return {
            place.partition: Committed(found.offset, found.metadata or "")
            for place, found in offsets.items()
            if found.offset >= 0
        }

    def members(self, group: str) -> list[Member]:
        """Return the members of a group; none where there is no such group."""
        described = self._admin.describe_groups([group])
        return [
            Member(str(one["client_id"]), str(one["client_host"]).removeprefix("/"))
            for found in described.values()
            for one in found["members"]
        ]

    def ends(self, topic: str, partitions: int) -> dict[int, int]:
        """Return by partition the offset behind its last record, those of open transactions and markers included."""
        return self._offsets(topic, partitions, OffsetSpec.LATEST)

    def beginnings(self, topic: str, partitions: int) -> dict[int, int]:
        """Return by partition the offset of its first record that retention has left."""
        return self._offsets(topic, partitions, OffsetSpec.EARLIEST)

    def readable_ends(self, topic: str, partitions: int) -> dict[int, int]:
        """Return by partition up to where committed records can be read now; an open transaction holds it back."""
        return self._offsets(topic, partitions, OffsetSpec.LATEST, isolation_level=READ_COMMITTED)

    def at_times(self, topic: str, times_ms: Mapping[int, int]) -> dict[int, int]:
        """Return the offset of the first record, as they stand in the log, whose time is not before the one asked for.

        ``times_ms`` are milliseconds since 1970 by partition; partitions without such a record are not in the answer.
        """
        wanted = {TopicPartition(topic, partition): max(0, time_ms) for partition, time_ms in times_ms.items()}
        found = self._admin.list_partition_offsets(wanted) if wanted else {}
        return {place.partition: first.offset for place, first in found.items() if first.offset >= 0}

    def sizes(self, names: list[str]) -> dict[str, int]:
        """Return how many bytes topics take on disk, one replica of each partition, the largest; others: not told."""
        largest: dict[tuple[str, int], int] = {}
        for broker in self._admin.describe_log_dirs(names) if names else []:
            for folder in broker["log_dirs"]:
                for topic in folder["topics"]:
                    for part in topic["partitions"]:
                        place = (topic["name"], part["partition_index"])
                        largest[place] = max(largest.get(place, 0), part["partition_size"])
        found: dict[str, int] = {}
        for (name, _), size in largest.items():
            found[name] = found.get(name, 0) + size
        return found

    def config(self, names: list[str], key: str) -> dict[str, Any]:
        """Return the value of one setting by topic, for those whose settings we may read."""
        if not names:
            return {}
        resources = [ConfigResource("TOPIC", name, configs=[key]) for name in names]
        described = self._admin.describe_configs(resources, config_filter="all")
        return {
            name: values[key]["value"] for kind in described.values() for name, values in kind.items() if key in values
        }

    def _offsets(self, topic: str, partitions: int, spec: OffsetSpec, **how: str) -> dict[int, int]:
        wanted = {TopicPartition(topic, partition): spec for partition in range(partitions)}
        found = self._admin.list_partition_offsets(wanted, **how)
        return {place.partition: one.offset for place, one in found.items()}
