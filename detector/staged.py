"""Judges in several stages: what one has found goes with the record to the next, and the last routes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.alarm import HitAlarm
from detector.bound import NO_BOUND, Evictions
from detector.figures import figures_of
from detector.gathering import hop_key
from detector.held import HeldRules
from detector.routing import routed
from detector.rules.stage import FOUND_NOTHING, Found
from detector.so_far import header_of, so_far_of
from detector.unkeyed import KeyCheck
from pipeline.contracts.caveats import NONE
from pipeline.contracts.invalid import InvalidMessageError
from pipeline.contracts.records import Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from detector.alarm import Act
    from detector.bound import Bound
    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.codec import Codec
    from pipeline.contracts.records import Record
    from pipeline.contracts.topics import Topic
    from pipeline.runtime.handler import Place
    from pipeline.runtime.vitals import Figure


class StagedDetector:
    """A detector with hops behind its input: it reads all of them, and each is the log of a stage of its rules."""

    def __init__(  # noqa: PLR0913 (what a deployment has)
        self,
        codec: Codec,
        rules: RuleSet,
        hops: Mapping[Topic, str],
        find: Callable[[str], RuleSet | None],
        act: Act | None = None,
        *,
        bound: Bound = NO_BOUND,
    ) -> None:
        """Take the hops in the order in which a record takes them, each with its name in this deployment.

        ``find`` returns a version by which an earlier stage has judged (see :class:`~detector.held.HeldRules`);
        ``act`` and ``bound`` as for :class:`~detector.handler.Detector`.
        """
        self._codec = codec
        self._held = HeldRules(rules, find, bound=bound)
        self._alarm = HitAlarm(rules, act)
        self._keys = KeyCheck()
        self._evictions = Evictions()
        self._hops = tuple(hops)
        self._stages = {name: number for number, name in enumerate(hops.values(), 1)}

    def handle(self, record: Record) -> tuple[Outgoing, ...]:
        """Return where the record goes; see :class:`~pipeline.runtime.handler.Handler`."""
        stage, held = self._stages.get(record.topic, 0), self._held
        if stage:
            before = so_far_of(record)
            rules = held.current if before.ruleset == held.current.version else held.by(before.ruleset)
            transaction = self._codec.read(record)
            found = before.found
        else:
            rules = held.current
            transaction = self._codec.read(record)
            remembers = rules.stages[0].windows.remembers
            caveats = self._keys.caveats(record, transaction) if remembers else NONE
            found = FOUND_NOTHING if caveats is NONE else Found([], caveats)
        later = rules.stages[stage].find(transaction, record.partition, record.timestamp_ms)
        found = later if found is FOUND_NOTHING else found.and_then(later)
        for other in held.others(rules):
            other.observe(transaction, record.partition, record.timestamp_ms, stage)
        if stage == len(self._hops):
            return routed(record, rules.weigh(transaction, found), rules.version)
        hop = self._hops[stage]
        return (Outgoing(hop, headers=(header_of(rules.version, found),), key=hop_key(transaction, hop.gathers)),)

    def use(self, rules: RuleSet) -> None:
        """Judge by other rules from now on what enters; between transactions alone."""
        self._held.use(rules)
        self._alarm.follow(rules)

    def committed(self) -> None:
        """Count and remember what the rules did and saw, and tell of it now and then."""
        self._held.committed()
        self._evictions.look(self._held.memories())
        self._alarm.look()
        self._keys.committed()

    def aborted(self) -> None:
        """Count and remember nothing of what was undone."""
        self._held.aborted()
        self._keys.aborted()

    def assigned(self, kept: Collection[Place]) -> None:
        """Remember nothing of partitions in which another process may have judged meanwhile."""
        by_stage: list[set[int]] = [set() for _ in range(len(self._hops) + 1)]
        for topic, partition in kept:
            by_stage[self._stages.get(topic, 0)].add(partition)
        for stage, partitions in enumerate(by_stage):
            self._held.keep(partitions, stage)

    def reach_ms(self) -> int:
        """Return how far back the rules look, with what may come late; 0 where none looks at a history."""
        return self._held.reach_ms()

    def observe(self, record: Record) -> None:
        """Remember a transaction that was judged before; what could not be read then has no history."""
        stage = self._stages.get(record.topic, 0)
        try:
            if stage:
                so_far_of(record)
            transaction = self._codec.read(record)
        except InvalidMessageError:
            return
        for rules in self._held.memories():
            rules.observe(transaction, record.partition, record.timestamp_ms, stage, record.offset)

    def memories(self) -> Sequence[RuleSet]:
        """Return one version for each memory, that of the rules in force first."""
        current = self._held.current
        return (current, *self._held.others(current))

    def stage_of(self, topic: str) -> int:
        """Return the stage whose log a topic is."""
        return self._stages.get(topic, 0)

    def memory(self) -> int:
        """Return another number after a change to rules that look at something else."""
        return self._held.memory

    def figures(self) -> Iterator[Figure]:
        """Return what rules did, and how much they remember; for another thread."""
        held = self._held
        return figures_of(held.tally, held.current.version, held.memories(), self._evictions.total)
