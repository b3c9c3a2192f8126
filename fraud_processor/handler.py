"""Raises the alarm for each fraud: it joins a case, and a line is printed once it is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fraud_processor.alerts import alert
from fraud_processor.cases.alert import alert_of
from pipeline.runtime.database.progress import Progress
from pipeline.runtime.handler import Forgetful
from pipeline.runtime.vitals import Figure, metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fraud_processor.cases.alert import Alert
    from fraud_processor.cases.store import Cases
    from pipeline.contracts.codec import Codec
    from pipeline.contracts.invalid import InvalidMessageError
    from pipeline.contracts.records import Outgoing, Record
    from pipeline.runtime.handler import Place
    from pipeline.runtime.lines import StagedLines


class FraudProcessor(Forgetful):
    """See :class:`~pipeline.runtime.handler.Handler`.

    Its effects are alerts in cases, saved beside Kafka: see :class:`~pipeline.runtime.transactional.effects.Effects`.
    ``wake`` is called when there are new ones.
    """

    def __init__(self, codec: Codec, lines: StagedLines, cases: Cases, wake: Callable[[], None]) -> None:
        self._codec = codec
        self._lines = lines
        self._cases = cases
        self._wake = wake
        self._progress = Progress(cases.watermarks)
        self._alerts: list[Alert] = []
        self._joined = 0

    def handle(self, record: Record) -> tuple[Outgoing, ...]:
        """Tell of one fraud; nothing is written but dead letters."""
        transaction, verdict = self._codec.read_judged(record)
        if not self._progress.has(record.partition, record.offset):
            self._alerts.append(alert_of(record, transaction, verdict))
        self._lines.add(alert(transaction, verdict))
        return ()

    def resumed(self, places: Iterable[Place]) -> Mapping[Place, int]:
        """Drop what is staged, and return how far the cases go."""
        self.aborted()
        return self._progress.resumed(places)

    def refused(self) -> Iterable[tuple[Record, InvalidMessageError]]:
        """Return nothing: whatever can be read has a case."""
        return ()

    def save(self, ends: Mapping[Place, int]) -> None:
        """Save the alerts in their cases, and how far they go, and let them be sent: it need not wait for Kafka."""
        moved = self._progress.moved(ends)
        self._cases.save(self._progress.before, moved, self._alerts)
        self._progress.saved(moved)
        # What is saved stays so, where Kafka fails behind it: the same frauds come again, and are none of these.
        if self._alerts:
            self._joined += len(self._alerts)
            self._wake()
            self._alerts.clear()

    def committed(self) -> None:
        """Print the alerts."""
        self._lines.committed()

    def figures(self) -> Iterator[Figure]:
        """Return how many frauds have joined a case; for another thread."""
        yield Figure(metrics.ALERTS, self._joined)

    def aborted(self) -> None:
        """Print nothing: the same frauds come again."""
        self._lines.aborted()
        self._alerts.clear()
