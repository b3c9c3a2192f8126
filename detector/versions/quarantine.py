"""Puts a rule in quarantine whose file wants that when it explodes: as a new version, in which it only counts."""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING, Final

from detector.rules.files.spec import SHADOW
from detector.rules.loading import RuleFileError
from detector.rules.versions.body import at_work
from detector.rules.versions.modes import ModeEditError, with_mode
from detector.versions.publishing import publish
from detector.versions.seeding import SYSTEM, moment_now
from pipeline.contracts.rule_bodies import BrokenVersionError
from pipeline.contracts.rule_versions import Put
from pipeline.errors import PipelineError
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from detector.rules.keys import Logs
    from detector.versions.topic import RulesTopic

logger = logging.getLogger(__name__)

WAITING: Final = 100  # more rules than that do not explode in the time that one takes
CLOSE_SECONDS: Final = 10.0


class Quarantine:
    """Does it in a thread of its own, so that nothing that is judged waits for it.

    Where another version is in force meanwhile, or somebody else puts one there at the same time, nothing is written:
    if the rule still explodes, the alarm tells of it again.
    """

    def __init__(self, topic: RulesTopic, logs: Logs) -> None:
        self._topic = topic
        self._logs = logs
        self._asked: queue.Queue[tuple[str, str, str] | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="quarantine", daemon=True)

    def start(self) -> None:
        """Begin to wait for what is asked for."""
        self._thread.start()

    def close(self) -> None:
        """End the thread, within bounds."""
        if self._thread.ident is not None:
            self._asked.put(None)
            self._thread.join(CLOSE_SECONDS)

    def ask(self, version: str, rule: str, told: str) -> None:
        """Ask for a rule of a version to be put in quarantine, and say why."""
        try:
            self._asked.put_nowait((version, rule, told))
        except queue.Full:
            logger.warning("%s is not put in quarantine yet: too many others are", rule)

    def _run(self) -> None:
        while (asked := self._asked.get()) is not None:
            version, rule, told = asked
            try:
                self.put(version, rule, told)
            except (KafkaError, PipelineError, ModeEditError, BrokenVersionError, RuleFileError) as error:
                logger.warning("%s could not be put in quarantine: %s", rule, error or type(error).__name__)
            except Exception:
                # A bug here must not end a detector, and not the quarantine of other rules either.
                logger.exception("%s could not be put in quarantine", rule)

    def put(self, version: str, rule: str, told: str) -> None:
        """Put a rule in quarantine, where that version is still in force.

        Raises:
            KafkaError, PipelineError: it is not in force: Kafka, or somebody else.
            ModeEditError, BrokenVersionError, RuleFileError: the version cannot be changed so.

        """
        shelf, _ = self._topic.read()
        before = shelf.last_put()
        if before is None or before.version != version:
            return
        body = with_mode(shelf.body(version), rule, SHADOW)
        reason = f"{rule} is in quarantine (shadow): {told}"
        found = at_work(body, self._logs).version
        publish(self._topic, Put(version=found, author=SYSTEM, at=moment_now(), reason=reason, previous=version), body)
        logger.warning("%s; version %s is in force. To take it back: rollback %s", reason, found, version)
