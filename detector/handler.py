"""Routes each transaction by its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.alarm import HitAlarm
from detector.bound import NO_BOUND, Evictions
from detector.figures import figures_of
from detector.report import RuleReport
from detector.routing import AS_IT_IS, routed
from detector.rules.ruleset import NOTHING
from detector.unkeyed import KeyCheck
from pipeline.contracts.invalid import InvalidMessageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from detector.alarm import Act
    from detector.bound import Bound
    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.codec import Codec
    from pipeline.contracts.records import Outgoing, Record
    from pipeline.runtime.handler import Place
    from pipeline.runtime.vitals import Figure


class Detector:
    """Reads, judges, routes: a legitimate record passes on as it is, a fraudulent one with its verdict."""

    def __init__(self, codec: Codec, rules: RuleSet, act: Act | None = None, bound: Bound = NO_BOUND) -> None:
        """Judge by rules; ``act`` is told of those that are to go into quarantine (see ``HitAlarm``)."""
        self._bound = bound
        self._evictions = Evictions()
        bound.apply(rules)
        self._codec = codec
        self._alarm = HitAlarm(rules, act)
        self._keys = KeyCheck()
        self._memory = 0
        self._tally = rules.counts.tally
        self._take(rules)

    def _take(self, rules: RuleSet) -> None:
        self._rules = rules
        rules.counts.tally = self._tally
        self._report = RuleReport(rules)
        self._check_keys = bool(rules.reach_us)

    def handle(self, record: Record) -> tuple[Outgoing, ...]:
        """Return where the record goes; see :class:`~pipeline.runtime.handler.Handler`."""
        transaction = self._codec.read(record)
        rules = self._rules
        if self._check_keys:
            caveats = self._keys.caveats(record, transaction)
            judgement = rules.judge(transaction, record.partition, record.timestamp_ms, caveats)
        else:
            judgement = rules.judge(transaction, record.partition, record.timestamp_ms)
        return AS_IT_IS if judgement is NOTHING else routed(record, judgement, rules.version)

    def use(self, rules: RuleSet) -> None:
        """Judge by other rules from now on; between transactions alone."""
        self._report.tell()
        self._bound.apply(rules)
        if not rules.take_over(self._rules):
            self._memory += 1
        self._take(rules)
        self._alarm.follow(rules)

    def committed(self) -> None:
        """Count and remember what the rules did and saw, and tell of it now and then."""
        self._rules.committed()
        self._keys.committed()
        self._evictions.look((self._rules,))
        self._report.tell_if_due()
        self._alarm.look()

    def aborted(self) -> None:
        """Count and remember nothing of what was undone."""
        self._rules.aborted()
        self._keys.aborted()

    def assigned(self, kept: Collection[Place]) -> None:
        """Remember nothing of partitions in which another process may have judged meanwhile."""
        self._rules.keep({partition for _, partition in kept})

    def reach_ms(self) -> int:
        """Return how far back the rules look, with what may come late; 0 where none looks at a history."""
        return self._rules.reach_ms

    def observe(self, record: Record) -> None:
        """Remember a transaction that was judged before; what could not be read then has no history."""
        try:
            transaction = self._codec.read(record)
        except InvalidMessageError:
            return
        self._rules.observe(transaction, record.partition, record.timestamp_ms, offset=record.offset)

    def memories(self) -> Sequence[RuleSet]:
        """Return one version for each memory, that of the rules in force first."""
        return (self._rules,)

    def stage_of(self, topic: str) -> int:  # noqa: ARG002 (there is but one)
        """Return the stage whose log a topic is."""
        return 0

    def memory(self) -> int:
        """Return another number after a change to rules that look at something else."""
        return self._memory

    def figures(self) -> Iterator[Figure]:
        """Return what rules did, and how much they remember; for another thread."""
        return figures_of(self._tally, self._rules.version, [self._rules], self._evictions.total)
