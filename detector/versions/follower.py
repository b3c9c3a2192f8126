"""Follows the topic of rules in a thread of its own: to load ten thousand rules takes longer than a batch may."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from detector.rules.keys import GATHERED
from detector.versions.standing import VersionUnreadableError, loaded, newest
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from detector.rules.keys import Logs
    from detector.rules.ruleset import RuleSet
    from detector.versions.standing import Standing
    from detector.versions.topic import RulesTopic
    from pipeline.contracts.rule_versions import Shelf
    from pipeline.runtime.clients.reading import Tail

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 0.2
RETRY_SECONDS: Final = 2.0
TELL_SECONDS: Final = 60.0
CLOSE_SECONDS: Final = 10.0


class Follower:
    """Keeps ``standing`` up to date: what the topic says is in force, or the last of it that could be used.

    ``standing`` is replaced as a whole, so that whoever reads it sees one version or another. ``seen`` is the offset of
    the newest record of what is in force that was read, whether it could be used or not.
    """

    def __init__(self, topic: RulesTopic, shelf: Shelf, end: int, standing: Standing, logs: Logs = (GATHERED,)) -> None:
        """Follow the topic from ``end``; before it stands what is on the shelf, of which ``standing`` is in force."""
        self._logs = logs
        self._topic = topic
        self._shelf = shelf
        self._next = end
        self.standing = standing
        self.seen = shelf.put_at
        self._unusable = ""
        self._tell_at = 0.0
        self._failure: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def close(self) -> None:
        """End the thread, within bounds."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_SECONDS)

    @property
    def read_to(self) -> int:
        """The offset behind the last record that was read."""
        return self._next

    def holds(self, version: str) -> bool:
        """Tell whether a version was read."""
        return self._shelf.holds(version)

    def load(self, version: str) -> RuleSet:
        """Return the rules of a version that was read.

        Raises:
            VersionUnreadableError: they cannot be used.

        """
        return loaded(self._shelf, version, self._logs)

    def check(self) -> None:
        """Raise what ended the thread, if anything did: rules that nobody follows any more would never change."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:  # noqa: BLE001 (raised in the loop)
            self._failure = error

    def _follow(self) -> None:
        tail: Tail | None = None
        told = False
        while not self._stop.is_set():
            try:
                if tail is None:
                    tail = self._topic.tail(self._next)
                self.take(tail)
                told = False
            except KafkaError as error:
                if not told:
                    told = True
                    logger.warning(
                        "%s cannot be read: %s; rules stay at %s meanwhile",
                        self._topic.name,
                        error or type(error).__name__,
                        self.standing.rules.version,
                    )
                if tail is not None:
                    tail.close()
                    tail = None
                self._stop.wait(RETRY_SECONDS)
            self._remind()
            self._stop.wait(PAUSE_SECONDS)
        if tail is not None:
            tail.close()

    def take(self, tail: Tail) -> None:
        """Take what has come, and put in force what it says.

        Raises:
            KafkaError: the topic cannot be read now.

        """
        came = False
        for record in tail.read():
            self._shelf.take(record.key, record.value, record.offset)
            self._next = record.offset + 1
            came = True
        if not came:
            return
        # A version that was unusable may be mended by other records than that of what is in force.
        if self._shelf.put_at > self.seen or self._unusable:
            self._renew()

    def _renew(self) -> None:
        try:
            standing = newest(self._shelf, self._logs)
            self.standing = standing
            logger.info("%s, from the next transaction on", standing.told())
            self._unusable = ""
        except VersionUnreadableError as error:
            if str(error) != self._unusable:
                self._tell_at = 0.0
            self._unusable = str(error)
            self._remind()
        self.seen = self._shelf.put_at

    def _remind(self) -> None:
        """Say once a minute that what is in force cannot be used, for as long as that is so."""
        if not self._unusable or time.monotonic() < self._tell_at:
            return
        self._tell_at = time.monotonic() + TELL_SECONDS
        logger.error(
            "what is in force by %s cannot be used: %s; rules stay at %s. "
            "Put a version in force that can: python -m detector.rules push FILE, or rollback VERSION",
            self._topic.name,
            self._unusable,
            self.standing.rules.version,
        )
