"""Judges in several stages: what one has found goes with the record to the next, and the last routes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.gathering import hop_key
from detector.handler import Detector
from detector.so_far import SoFar, so_far_of
from pipeline.contracts.invalid import InvalidMessageError
from pipeline.contracts.records import Outgoing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.codec import Codec
    from pipeline.contracts.records import Record
    from pipeline.contracts.topics import Topic
    from pipeline.runtime.handler import Place


class StagedDetector(Detector):
    """A detector with hops behind its input: it reads all of them, and each is the log of a stage of its rules."""

    def __init__(self, codec: Codec, rules: RuleSet, hops: Mapping[Topic, str]) -> None:
        """Take the hops in the order in which a record takes them, each with its name in this deployment."""
        super().__init__(codec, rules)
        self._hops = tuple(hops)
        self._stages = {name: number for number, name in enumerate(hops.values(), 1)}

    def handle(self, record: Record) -> tuple[Outgoing, ...]:
        """Return where the record goes; see :class:`~pipeline.runtime.handler.Handler`."""
        stage = self._stages.get(record.topic, 0)
        before = so_far_of(record) if stage else SoFar(self._rules.version)
        transaction = self._codec.read(record)
        found = self._rules.stages[stage].find(transaction, record.partition, record.timestamp_ms)
        found = before.found.and_then(found)
        if stage == len(self._hops):
            return self._routed(record, self._rules.weigh(transaction, found))
        hop = self._hops[stage]
        header = SoFar(before.ruleset, found.hits, found.late).header()
        return (Outgoing(hop, headers=(header,), key=hop_key(transaction, hop.gathers)),)

    def assigned(self, kept: Collection[Place]) -> None:
        """Remember nothing of partitions in which another process may have judged meanwhile."""
        by_stage: list[set[int]] = [set() for _ in self._rules.stages]
        for topic, partition in kept:
            by_stage[self._stages.get(topic, 0)].add(partition)
        for stage, partitions in enumerate(by_stage):
            self._rules.keep(partitions, stage)

    def observe(self, record: Record) -> None:
        """Remember a transaction that was judged before; what could not be read then has no history."""
        stage = self._stages.get(record.topic, 0)
        try:
            if stage:
                so_far_of(record)
            transaction = self._codec.read(record)
        except InvalidMessageError:
            return
        self._rules.observe(transaction, record.partition, record.timestamp_ms, stage)
