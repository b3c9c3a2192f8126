"""Routes each transaction by its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detector.report import RuleReport
from detector.rules.ruleset import NOTHING
from pipeline.contracts import topics
from pipeline.contracts.codec import with_verdict
from pipeline.contracts.headers import HITS
from pipeline.contracts.hits import encode_hits
from pipeline.contracts.invalid import InvalidMessageError
from pipeline.contracts.records import Outgoing

if TYPE_CHECKING:
    from collections.abc import Collection

    from detector.rules.ruleset import Judgement, RuleSet
    from pipeline.contracts.codec import Codec
    from pipeline.contracts.records import Record
    from pipeline.runtime.handler import Place

_LEGIT = (Outgoing(topics.LEGIT),)


class Detector:
    """Reads, judges, routes: a legitimate record passes on as it is, a fraudulent one with its verdict."""

    def __init__(self, codec: Codec, rules: RuleSet) -> None:
        self._codec = codec
        self._rules = rules
        self._report = RuleReport(rules)
        self._memory = 0

    def handle(self, record: Record) -> tuple[Outgoing, ...]:
        """Return where the record goes; see :class:`~pipeline.runtime.handler.Handler`."""
        judgement = self._rules.judge(self._codec.read(record), record.partition, record.timestamp_ms)
        return _LEGIT if judgement is NOTHING else self._routed(record, judgement)

    def _routed(self, record: Record, judgement: Judgement) -> tuple[Outgoing, ...]:
        if judgement is NOTHING:
            return _LEGIT
        if judgement.verdict is None:
            noted = encode_hits(self._rules.version, judgement.noted, late=judgement.late)
            return (Outgoing(topics.LEGIT, headers=((HITS.name, noted),)),)
        return (Outgoing(topics.FRAUD, with_verdict(record.value or b"", judgement.verdict)),)

    def use(self, rules: RuleSet) -> None:
        """Judge by other rules from now on; between transactions alone."""
        self._report.tell()
        if not rules.take_over(self._rules):
            self._memory += 1
        self._rules, self._report = rules, RuleReport(rules)

    def committed(self) -> None:
        """Count and remember what the rules did and saw, and tell of it now and then."""
        self._rules.committed()
        self._report.tell_if_due()

    def aborted(self) -> None:
        """Count and remember nothing of what was undone."""
        self._rules.aborted()

    def assigned(self, kept: Collection[Place]) -> None:
        """Remember nothing of partitions in which another process may have judged meanwhile."""
        self._rules.keep({partition for _, partition in kept})

    def reach_ms(self) -> int:
        """Return how far back the rules look, with what may come late; 0 where none looks at a history."""
        return -(-self._rules.reach_us // 1_000)

    def observe(self, record: Record) -> None:
        """Remember a transaction that was judged before; what could not be read then has no history."""
        try:
            transaction = self._codec.read(record)
        except InvalidMessageError:
            return
        self._rules.observe(transaction, record.partition, record.timestamp_ms)

    def memory(self) -> int:
        """Return another number after a change to rules that look at something else."""
        return self._memory
