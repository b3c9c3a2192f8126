"""The rules that the detector judges by: they change between transactions alone, and never go back at a takeover."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from detector.bound import NO_BOUND
from detector.handler import Detector
from detector.staged import StagedDetector
from detector.versions.follower import Follower
from detector.versions.quarantine import Quarantine
from detector.versions.seeding import read_or_seed
from detector.versions.standing import VersionUnreadableError, best
from detector.versions.topic import RulesTopic
from pipeline.contracts.rule_marks import Mark, mark_in
from pipeline.contracts.topics import hop_by
from pipeline.runtime.clients.connection import KafkaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from detector.rules.ruleset import RuleSet
    from detector.settings import DetectorSettings
    from detector.versions.standing import Standing
    from pipeline.contracts.codec import Codec
    from pipeline.contracts.topics import Topic
    from pipeline.runtime.backoff import Wait
    from pipeline.runtime.handler import Place
    from pipeline.runtime.vitals import Figure

logger = logging.getLogger(__name__)

REACH_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.02


class BehindError(KafkaError):  # type: ignore[misc] # the client has no types
    """The topic of rules was not read as far yet as a partition was judged by."""


class RulesInForce:
    """Hands the detector the newest rules between its transactions; see :class:`~pipeline.runtime.handler.Marks`."""

    def __init__(
        self,
        topic: RulesTopic,
        follower: Follower,
        hops: Mapping[Topic, str] | None = None,
        quarantine: Quarantine | None = None,
    ) -> None:
        """Follow one topic; ``hops`` are those of the deployment, in their order, with their names there.

        ``bound`` is that of what they remember, to be set before there is a detector.
        """
        self.bound = NO_BOUND
        self._act = None if quarantine is None else quarantine.ask
        self.hops = hops or {}
        self._topic = topic
        self._follower = follower
        self._detector: Detector | StagedDetector | None = None
        self._standing = follower.standing

    def detector(self, codec: Codec) -> Detector | StagedDetector:
        """Return a detector that judges by what is in force."""
        rules = self._standing.rules
        self.bound.warn(rules)
        if self.hops:
            self._detector = StagedDetector(codec, rules, self.hops, self.version, self._act, bound=self.bound)
        else:
            self._detector = Detector(codec, rules, self._act, self.bound)
        return self._detector

    def figures(self) -> Iterator[Figure]:
        """Return what the detector tells of itself."""
        return iter(()) if self._detector is None else self._detector.figures()

    def reach_ms(self) -> int:
        """Return how far back the rules look, with what may come late; 0 where none looks at a history."""
        return self._standing.rules.reach_ms

    def next(self) -> str:
        """Let the batch that comes be judged by the newest version, and return what to commit with it."""
        self._follower.check()
        # In this order: the follower replaces what is in force before it says that it has seen the record.
        seen, standing = self._follower.seen, self._follower.standing
        if standing is not self._standing:
            if self._detector is not None and standing.rules.version != self._standing.rules.version:
                self._detector.use(standing.rules)
            self._standing = standing
        return Mark(max(seen, standing.mark.offset), standing.rules.version).encode()

    def version(self, wanted: str) -> RuleSet | None:
        """Return the rules of a version that some detector judges by; None where the topic has none that can be used.

        Raises:
            KafkaError: this replica has not read as far as that version yet, or no broker answers.

        """
        deadline = time.monotonic() + REACH_SECONDS
        end: int | None = None
        while not self._follower.holds(wanted):
            # Whoever judged by it had read it, so it stands before the end of now, or it was removed.
            end = self._topic.end() if end is None else end
            if self._follower.read_to >= end:
                logger.error(
                    "an earlier stage has judged by rules %s, which %s has no more; going on with rules %s",
                    wanted,
                    self._topic.name,
                    self._standing.rules.version,
                )
                return None
            if time.monotonic() >= deadline:
                raise BehindError(
                    f"an earlier stage has judged by rules {wanted}; this replica has read {self._topic.name} to "
                    f"{self._follower.read_to} of {end} in {REACH_SECONDS:g} s"
                )
            time.sleep(LOOK_SECONDS)
        try:
            return self._follower.load(wanted)
        except VersionUnreadableError as error:
            logger.error(  # noqa: TRY400 (it says what is wrong; there is nothing to trace)
                "an earlier stage has judged by rules %s: %s; going on with rules %s",
                wanted,
                error,
                self._standing.rules.version,
            )
            return None

    def taken_over(self, found: Mapping[Place, str]) -> None:
        """Wait, a few seconds at a time, until the topic was read as far as these partitions were judged by.

        Raises:
            KafkaError: it was not, and it reaches that far.

        """
        marks = {place: mark for place, text in found.items() if (mark := mark_in(text))}
        if not marks:
            return
        place = max(marks, key=lambda one: marks[one])
        wanted = marks[place]
        deadline = time.monotonic() + REACH_SECONDS
        while self._follower.seen < wanted.offset:
            if time.monotonic() >= deadline:
                self._behind(place, wanted)
                return
            time.sleep(LOOK_SECONDS)

    def _behind(self, place: Place, wanted: Mark) -> None:
        judged = f"{place[0]}:{place[1]}"
        end = self._topic.end()
        version = self._follower.standing.rules.version
        if end > wanted.offset:
            raise BehindError(
                f"{judged} was judged by rules {wanted.version}, {self._topic.name}:0:{wanted.offset}, "
                f"and this replica, at {version}, has not read that far in {REACH_SECONDS:g} s"
            )
        logger.error(
            "%s was judged by rules %s, %s:0:%d, which is gone: the topic ends at %d. Was it made anew? "
            "Going on with rules %s",
            judged,
            wanted.version,
            self._topic.name,
            wanted.offset,
            end,
            version,
        )


@contextmanager
def rules_in_force(settings: DetectorSettings, wait: Wait) -> Iterator[RulesInForce]:
    """Yield the rules of the deployment, followed for the time of the block; the file seeds an empty topic.

    Raises:
        BrokerUnavailableError: the cluster does not answer, lacks the topic, or refuses us.
        NoRulesError: nothing in the topic can be used.

    """
    kafka = settings.common.kafka
    topic = RulesTopic.find(settings.common, f"{kafka.id_prefix}-rules", wait)
    shelf, end = read_or_seed(topic, settings.rules.version, settings.body, kafka, wait)
    standing = best(shelf, topic.name, settings.rules, settings.logs)
    _compare(settings, standing, topic.name)
    follower = Follower(topic, shelf, end, standing, settings.logs)
    quarantine = Quarantine(topic, settings.logs)
    follower.start()
    quarantine.start()
    hops = {hop: settings.common.topics[hop] for hop in map(hop_by, settings.hops)}
    try:
        yield RulesInForce(topic, follower, hops, quarantine)
    finally:
        quarantine.close()
        follower.close()


def _compare(settings: DetectorSettings, standing: Standing, name: str) -> None:
    """Say which version is in force, loudly where it is another than that of the file."""
    if standing.rules.version == settings.rules.version:
        logger.info("%s", standing.told())
        return
    logger.warning(
        "%s, and not %s, which %s is with the variables of this process: %s decides. "
        "To change that: python -m detector.rules push %s",
        standing.told(),
        settings.rules.version,
        settings.rules_file,
        name,
        settings.rules_file,
    )
