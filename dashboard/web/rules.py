"""The rules in force, and the versions before them, as they stand in their topic: looked up when somebody asks."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Path

from dashboard.live.rulebook import MAX_READ, described, shown
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

    from pipeline.contracts.rule_bodies import RuleBody
    from pipeline.runtime.cluster_settings import KafkaSettings

CLIENT_ID: Final = "dashboard-rules"
PARTITION: Final = 0
AGE_SECONDS: Final = 3.0  # what is asked for again within it is told again
# What was removed is told for a day only: whoever has not looked for so long begins anew.
ANEW_SECONDS: Final = 3_600.0
MAX_LINES: Final = 2_000
MAX_TEXT: Final = 500  # characters of a name or a reason

Version = Annotated[str, Path(pattern=r"^[0-9a-f]{4,64}$")]


class Rules:
    """Reads the topic of rules, and on from there when it is asked again. Any thread may ask."""

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._kafka, self._topic = kafka, topic
        self._lock = threading.Lock()
        self._shelf, self._next = Shelf(), 0
        self._read_at = float("-inf")
        self._described: tuple[str, dict[str, Any]] = ("", {})

    def _look(self) -> Shelf:
        """Return what stands there; for who holds the lock."""
        age = time.monotonic() - self._read_at
        if age >= AGE_SECONDS:
            self._read(anew=age >= ANEW_SECONDS)
            self._read_at = time.monotonic()
        return self._shelf

    def _read(self, *, anew: bool) -> None:
        with Cluster(self._kafka, CLIENT_ID) as cluster:
            if self._topic not in cluster.describe([self._topic]):
                raise LookupError(f"there is no topic {self._topic}")
            begin = cluster.beginnings(self._topic, 1)[PARTITION]
            end = cluster.readable_ends(self._topic, 1)[PARTITION]
        if anew or end < self._next:
            self._shelf, self._next = Shelf(), 0
        start = max(begin, self._next)
        if start < end:
            with Lookup(self._kafka, self._topic) as lookup:
                try:
                    for record in lookup.read(PARTITION, start, end, IDLE_SECONDS):
                        self._shelf.take(record.key, record.value, record.offset)
                except ReadingStalledError as error:
                    raise KafkaError(str(error)) from None
        self._next = end

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

    @router.get("/api/rules/{version}")
    async def version(version: Version) -> dict[str, Any]:
        """Return one version in full."""
        return await looked_up(lambda: rules.version(version))

    return router
