"""Topics, what stands in them, and who reads them: looked up when somebody asks."""

from __future__ import annotations

import asyncio
import time
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query

from dashboard.live.readings import lag_of, readings
from dashboard.web.lookups import looked_up
from dashboard.web.single import IDLE_SECONDS, told_of
from pipeline.contracts.case_requests import Partition, TopicName, problems
from pipeline.contracts.coordinates import MAX_OFFSET
from pipeline.runtime.clients.cluster import CLEANUP_POLICY, Cluster
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.reading import Lookup, ReadingStalledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.runtime.cluster_settings import KafkaSettings
    from pipeline.runtime.settings import TopicNames

CLIENT_ID: Final = "dashboard-topics"
AGE_SECONDS: Final = 3.0  # what is asked for again within it is told again
MOST_MESSAGES: Final = 50
INTERNAL: Final = "__"  # what the brokers keep for themselves begins like this
RETENTION_MS: Final = "retention.ms"
LOOKUPS: Final = 2  # at a time: each is a connection

Start = Annotated[int | None, Query(alias="from", ge=0, le=MAX_OFFSET)]


class Topics:
    """Looks topics and groups up."""

    def __init__(self, kafka: KafkaSettings, names: TopicNames) -> None:
        self._kafka, self._names = kafka, names
        self._listed: tuple[float, list[dict[str, Any]]] = (float("-inf"), [])

    def listed(self) -> list[dict[str, Any]]:
        """Return every topic with its partitions, where they begin and end, and how long it keeps what it has.

        Raises:
            KafkaError: no broker answers.

        """
        at, found = self._listed
        if time.monotonic() - at < AGE_SECONDS:
            return found
        with Cluster(self._kafka, CLIENT_ID) as cluster:
            facts = cluster.describe(name for name in cluster.names() if not name.startswith(INTERNAL))
            keeps, policies = (cluster.config(list(facts), key) for key in (RETENTION_MS, CLEANUP_POLICY))
            sizes = _told_or_nothing(lambda: cluster.sizes(list(facts)))
            found = []
            for name, one in sorted(facts.items()):
                begins, ends = cluster.beginnings(name, one.partitions), cluster.ends(name, one.partitions)
                places = [
                    {"partition": number, "begin": begins[number], "end": ends[number]} for number in sorted(ends)
                ]
                keep = {"retention_ms": keeps.get(name), "cleanup": policies.get(name), "bytes": sizes.get(name)}
                found.append({"name": name, "partitions": places, **keep})
        self._listed = time.monotonic(), found
        return found

    def groups(self) -> list[dict[str, Any]]:
        """Return the groups of the services: members, and how far each is in each partition.

        Raises:
            KafkaError: no broker answers.

        """
        found = []
        with Cluster(self._kafka, CLIENT_ID) as cluster:
            for one in readings(cluster, self._names):
                group = self._kafka.group_of(one.service)
                places = [
                    {"partition": number, "committed": at, "lag": lag}
                    for number, (at, lag) in lag_of(cluster, group, one.topic).items()
                ]
                members = [{"client": each.client, "host": each.host} for each in cluster.members(group)]
                found.append({"group": group, "topic": one.topic, "members": members, "partitions": places})
        return found

    def messages(
        self, name: str, partition: int, start: int | None, since_ms: int | None, most: int
    ) -> list[dict[str, Any]]:
        """Return committed messages of a partition from an offset or a time on, or its last ones; the newest last.

        Raises:
            LookupError: there is no such partition.
            KafkaError: no broker answers.

        """
        with Cluster(self._kafka, CLIENT_ID) as cluster:
            facts = {} if name.startswith(INTERNAL) else cluster.describe([name])
            if name not in facts or partition >= facts[name].partitions:
                raise LookupError(f"there is no partition {partition} of {name}")
            begin = cluster.beginnings(name, facts[name].partitions)[partition]
            end = cluster.readable_ends(name, facts[name].partitions)[partition]
            if start is None and since_ms is not None:
                start = cluster.at_times(name, {partition: since_ms}).get(partition, end)
        # Markers take offsets, too: of the last ones somewhat more are looked at.
        first = max(begin, end - 2 * most if start is None else start)
        found: list[dict[str, Any]] = []
        with Lookup(self._kafka, name) as lookup:
            try:
                if first < end:
                    records = lookup.read(partition, first, end, IDLE_SECONDS)
                    found += (told_of(name, one) for one in (records if start is None else islice(records, most)))
            except ReadingStalledError:
                pass  # what was read until then is told
        return found[-most:]


def _told_or_nothing(asked: Callable[[], dict[str, int]]) -> dict[str, int]:
    """Return an answer that takes rights which not everybody has; nothing where it is refused."""
    try:
        return asked()
    except KafkaError:
        return {}


def topics_routes(topics_: Topics) -> APIRouter:
    """Return the routes; all of them read and change nothing."""
    router = APIRouter(responses=problems(401, 404, 503))
    lookups = asyncio.Semaphore(LOOKUPS)

    async def asked(work: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        async with lookups:
            return await looked_up(work)

    @router.get("/api/topics")
    async def listed() -> list[dict[str, Any]]:
        """Return every topic."""
        return await asked(topics_.listed)

    @router.get("/api/groups")
    async def groups() -> list[dict[str, Any]]:
        """Return the groups of the services."""
        return await asked(topics_.groups)

    @router.get("/api/topics/{name}/{partition}")
    async def messages(
        name: TopicName,
        partition: Partition,
        start: Start = None,
        since_ms: Annotated[int | None, Query(ge=0, le=MAX_OFFSET)] = None,
        most: Annotated[int, Query(ge=1, le=MOST_MESSAGES)] = 20,
    ) -> list[dict[str, Any]]:
        """Return messages of a partition, from an offset on, else from a time (since 1970), else the last ones."""
        return await asked(lambda: topics_.messages(name, partition, start, since_ms, most))

    return router
