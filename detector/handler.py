"""Routes each transaction by its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.contracts import topics
from pipeline.contracts.codec import with_verdict
from pipeline.contracts.records import Outgoing

if TYPE_CHECKING:
    from detector.rules.ruleset import RuleSet
    from pipeline.contracts.codec import Codec
    from pipeline.contracts.records import Record

_LEGIT = (Outgoing(topics.LEGIT),)


class Detector:
    """Reads, judges, routes: a legitimate record passes on as it is, a fraudulent one with its verdict."""

    def __init__(self, codec: Codec, rules: RuleSet) -> None:
        self._codec = codec
        self._rules = rules

    def handle(self, record: Record) -> tuple[Outgoing, ...]:
        """Return where the record goes; see :class:`~pipeline.runtime.handler.Handler`."""
        verdict = self._rules.judge(self._codec.read(record))
        if verdict is None:
            return _LEGIT
        return (Outgoing(topics.FRAUD, with_verdict(record.value or b"", verdict)),)

    def committed(self) -> None:
        """Nothing is staged: these rules have no memory."""

    def aborted(self) -> None:
        """Nothing is staged."""
