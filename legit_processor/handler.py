"""Settles each legitimate transaction: a line each, printed once it is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from legit_processor.settlement import settle, unable
from pipeline.contracts.invalid import InvalidMessageError
from pipeline.runtime.handler import Forgetful

if TYPE_CHECKING:
    from pipeline.contracts.codec import Codec
    from pipeline.contracts.records import Outgoing, Record
    from pipeline.runtime.lines import StagedLines


class LegitProcessor(Forgetful):
    """See :class:`~pipeline.runtime.handler.Handler`; what cannot be settled goes to the dead letters."""

    def __init__(self, codec: Codec, lines: StagedLines) -> None:
        self._codec = codec
        self._lines = lines

    def handle(self, record: Record) -> tuple[Outgoing, ...]:
        """Settle one transaction; nothing is written but dead letters."""
        transaction = self._codec.read(record)
        try:
            self._lines.add(settle(transaction))
        except InvalidMessageError:
            self._lines.add(unable(transaction))
            raise
        return ()

    def committed(self) -> None:
        """Print what was settled."""
        self._lines.committed()

    def aborted(self) -> None:
        """Print nothing: the same transactions come again."""
        self._lines.aborted()
