"""The rules in force, how far they have got, and the versions before them: looked up when somebody asks."""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Path

from dashboard.live.rulebook import MAX_READ, compared, described, shown
from dashboard.live.warming import InForce, warming
from dashboard.web.lookups import looked_up
from dashboard.web.single import IDLE_SECONDS
from pipeline.contracts.case_requests import problems
from pipeline.contracts.display import printable
from pipeline.contracts.rule_bodies import BrokenVersionError, differing_lines
from pipeline.contracts.rule_versions import Put, Shelf
from pipeline.runtime.clients.cluster import Cluster
from pipeline.runtime.clients.connection import KafkaError
from pipeline.runtime.clients.reading import Lookup, ReadingStalledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.live.rulebook import Compared
    from dashboard.live.warming import Judges
    from pipeline.contracts.rule_bodies import RuleBody
    from pipeline.runtime.cluster_settings import KafkaSettings

CLIENT_ID: Final = "dashboard-rules"
PARTITION: Final = 0
AGE_SECONDS: Final = 3.0  # what is asked for again within it is told again
# What was removed is told for a day only: whoever has not looked for so long begins anew.
ANEW_SECONDS: Final = 3_600.0
MAX_LINES: Final = 2_000
MAX_TEXT: Final = 500  # characters of a name or a reason
COMPARED: Final = 4  # versions of which it is kept what tells their rules apart

Version = Annotated[str, Path(pattern=r"^[0-9a-f]{4,64}$")]


class Rules:
    """Reads the topic of rules, and on from there when it is asked again. Any thread may ask.

    ``judges`` returns by which versions partitions were judged last.
    """

    def __init__(self, kafka: KafkaSettings, topic: str, judges: Callable[[Cluster], Judges]) -> None:
        self._kafka, self._topic, self._ask = kafka, topic, judges
        self._lock = threading.Lock()
        self._shelf, self._next = Shelf(), 0
        self._read_at = float("-inf")
        self._described: tuple[str, dict[str, Any]] = ("", {})
        self._compared = lru_cache(COMPARED)(self._compare)
        self._warming: dict[str, Any] | None = None

    def _look(self) -> Shelf:
        """Return what stands there; for who holds the lock."""
        age = time.monotonic() - self._read_at
        if age >= AGE_SECONDS:
            judges = self._read(anew=age >= ANEW_SECONDS)
            self._warming = self._standing(judges)
            self._read_at = time.monotonic()
        return self._shelf

    def _read(self, *, anew: bool) -> Judges | None:
        with Cluster(self._kafka, CLIENT_ID) as cluster:
            if self._topic not in cluster.describe([self._topic]):
                raise LookupError(f"there is no topic {self._topic}")
            # Before the topic is read: then it holds each version that something was judged by.
            try:
                judges = self._ask(cluster)
            except KafkaError:  # a young cluster, or one that does not let us see groups: what is in force can be told
                judges = None
            begin = cluster.beginnings(self._topic, 1)[PARTITION]
            end = cluster.readable_ends(self._topic, 1)[PARTITION]
        if anew or end < self._next:
            self._shelf, self._next = Shelf(), 0
        start = max(begin, self._next)
        if start < end:
            self._compared.cache_clear()
            with Lookup(self._kafka, self._topic) as lookup:
                try:
                    for record in lookup.read(PARTITION, start, end, IDLE_SECONDS):
                        self._shelf.take(record.key, record.value, record.offset)
                except ReadingStalledError as error:
                    raise KafkaError(str(error)) from None
        self._next = end
        return judges

    def _standing(self, judges: Judges | None) -> dict[str, Any] | None:
        """Return how far what is in force has got; None where that cannot be told."""
        put = self._shelf.last_put()
        if judges is None or put is None:
            return None
        in_force = InForce(put.version, self._shelf.put_at, self._next)
        return warming(judges, in_force, self._shelf.holds, self._compared)

    def _compare(self, version: str) -> Compared | None:
        try:
            return compared(self._shelf.body(version))
        except BrokenVersionError:
            return None

    def standing(self, seen: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what changes while one looks: how far what is in force has got, and what :meth:`in_force` has seen.

        ``put`` tells by which put of which version, so that who sees another one there looks all up again.

        Raises:
            LookupError: there is no such topic.
            KafkaError: no broker answers.

        """
        with self._lock:
            return {"put": self._look().put_at, "warming": self._warming, **seen()}

    def in_force(self, seen: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the version that was put in force with its rules, and all versions, the newest first.

        ``seen`` returns what rules have done lately, and by which version: detectors take one over when they have read
        what it looks back to.

        Raises:
            LookupError: there is no such topic.
            KafkaError: no broker answers.

        """
        with self._lock:
            shelf = self._look()
            put, problem = None, None
            try:
                put = shelf.current()
                rules = {} if put is None else self._rules_of(shelf, put.version)
            except BrokenVersionError as error:
                rules, problem = {}, printable(str(error), MAX_TEXT)
            return {
                "topic": self._topic,
                "put": shelf.put_at,
                "warming": self._warming,
                "current": None if put is None else _told(put),
                "problem": problem,
                **rules,
                **seen(),
                "versions": [{**_told(one.put), "current": one.current} for one in reversed(shelf.listed())],
            }

    def _rules_of(self, shelf: Shelf, version: str) -> dict[str, Any]:
        """Return what a version says; that of one which was asked for before is kept."""
        if self._described[0] != version:
            self._described = version, described(shelf.body(version))
        return self._described[1]

    def version(self, version: str) -> dict[str, Any]:
        """Return the texts of a version, and what it has changed in the one before it.

        Raises:
            LookupError: there is no such topic or version, or it cannot be read.
            KafkaError: no broker answers.

        """
        with self._lock:
            shelf = self._look()
            try:
                body = shelf.body(version)
            except BrokenVersionError as error:
                raise LookupError(printable(str(error), MAX_TEXT)) from None
            put = next(one.put for one in shelf.listed() if one.put.version == version)
            texts = {printable(name, MAX_TEXT): shown(text) for name, text in body.texts().items() if text}
            return {**_told(put), "texts": texts, "changes": _changes(shelf, put, body)}


def _changes(shelf: Shelf, put: Put, body: RuleBody) -> list[str] | None:
    """Return the lines that differ from the version before; None where that is not there any more, or too long."""
    try:
        before = None if put.previous is None else shelf.body(put.previous)
    except BrokenVersionError:
        before = None
    if before is None or max(sum(map(len, one.texts().values())) for one in (before, body)) > MAX_READ:
        return None
    lines = differing_lines(before, body)
    more = [f"[{len(lines) - MAX_LINES:,} more lines]"] if len(lines) > MAX_LINES else []
    return [shown(line) for line in lines[:MAX_LINES]] + more


def _told(put: Put) -> dict[str, Any]:
    return {name: value and printable(value, MAX_TEXT) for name, value in msgspec.to_builtins(put).items()}


def rules_routes(rules: Rules, seen: Callable[[], dict[str, Any]]) -> APIRouter:
    """Return the routes; all of them read and change nothing."""
    router = APIRouter(responses=problems(401, 404, 503))

    @router.get("/api/rules")
    async def in_force() -> dict[str, Any]:
        """Return the rules in force, how often they hit, and all versions."""
        return await looked_up(lambda: rules.in_force(seen))

    @router.get("/api/rules/standing")
    async def standing() -> dict[str, Any]:
        """Return how far what is in force has got, and how often rules hit."""
        return await looked_up(lambda: rules.standing(seen))

    @router.get("/api/rules/{version}")
    async def version(version: Version) -> dict[str, Any]:
        """Return one version in full."""
        return await looked_up(lambda: rules.version(version))

    return router
