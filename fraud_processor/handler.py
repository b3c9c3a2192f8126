"""Raises the alarm for each fraud: a line each, printed once it is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fraud_processor.alerts import alert
from pipeline.runtime.handler import Forgetful

if TYPE_CHECKING:
    from pipeline.contracts.codec import Codec
    from pipeline.contracts.records import Outgoing, Record
    from pipeline.runtime.lines import StagedLines


class FraudProcessor(Forgetful):
    """See :class:`~pipeline.runtime.handler.Handler`."""

    def __init__(self, codec: Codec, lines: StagedLines) -> None:
        self._codec = codec
        self._lines = lines

    def handle(self, record: Record) -> tuple[Outgoing, ...]:
        """Tell of one fraud; nothing is written but dead letters."""
        self._lines.add(alert(*self._codec.read_judged(record)))
        return ()

    def committed(self) -> None:
        """Print the alerts."""
        self._lines.committed()

    def aborted(self) -> None:
        """Print nothing: the same frauds come again."""
        self._lines.aborted()
