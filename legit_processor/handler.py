"""Settles each legitimate transaction: booked in the ledger, and a line printed once it is committed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from legit_processor.ledger.booking import content_of, entries_of
from legit_processor.ledger.store import Booking, Place, Refusal, Repeat
from legit_processor.settlement import repeated, settle, unable
from pipeline.contracts.invalid import InvalidMessageError, Reason
from pipeline.contracts.moments import microseconds_of
from pipeline.runtime.database.names import stored
from pipeline.runtime.database.progress import Progress
from pipeline.runtime.handler import Forgetful
from pipeline.runtime.vitals import Figure, metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from legit_processor.ledger.store import Ledger
    from pipeline.contracts.codec import Codec
    from pipeline.contracts.records import Outgoing, Record
    from pipeline.runtime.handler import Place as Assigned
    from pipeline.runtime.lines import StagedLines

OUTCOMES: Final = {"booked": Booking, "duplicate": Repeat, "refused": Refusal}


class _Staged(NamedTuple):
    """A payment that can be settled; whether it is the first under its id is not known yet."""

    record: Record
    booking: Booking
    line: str


class LegitProcessor(Forgetful):
    """See :class:`~pipeline.runtime.handler.Handler`; what cannot be settled goes to the dead letters.

    Its effects are bookings, saved beside Kafka: see :class:`~pipeline.runtime.transactional.effects.Effects`. What is
    below the watermark was decided before: its outcome is read from the ledger, and not decided again.
    """

    def __init__(self, codec: Codec, lines: StagedLines, ledger: Ledger) -> None:
        self._codec = codec
        self._lines = lines
        self._ledger = ledger
        self._progress = Progress(ledger.watermarks)
        self._staged: list[_Staged] = []
        self._effects: list[Booking | Repeat | Refusal] = []
        self._outcomes: Counter[type] = Counter()
        self._fresh: dict[Place, str] = {}  # the line of each payment that is to be saved
        self._unprinted: dict[Place, str] = {}  # of what is saved, and was not committed yet

    def handle(self, record: Record) -> tuple[Outgoing, ...]:
        """Settle one transaction; nothing is written but dead letters."""
        transaction = self._codec.read(record)
        try:
            line = settle(transaction)
            entries = entries_of(transaction)
        except InvalidMessageError:
            self._lines.add(unable(transaction))
            raise
        booking = Booking(
            Place(record.partition, record.offset),
            stored(transaction.id),
            content_of(transaction, entries[-1].minor),
            microseconds_of(transaction.timestamp),
            transaction.currency,
            entries,
        )
        self._staged.append(_Staged(record, booking, line))
        return ()

    def resumed(self, places: Iterable[Assigned]) -> Mapping[Assigned, int]:
        """Drop what is staged, and return how far the ledger goes."""
        self.aborted()
        return self._progress.resumed(places)

    def refused(self) -> Iterable[tuple[Record, InvalidMessageError]]:
        """Decide, in the order of the batch, which payments are the first under their id; return those that cannot."""
        fresh: list[_Staged] = []
        saved: list[_Staged] = []
        for one in self._staged:
            (saved if self._progress.has(*one.booking.place) else fresh).append(one)
        known = self._ledger.contents({one.booking.transaction_id for one in fresh})
        found = self._refused_before(saved)
        for one in saved:
            if one.booking.place in self._unprinted:
                self._lines.add(self._unprinted[one.booking.place])
        for one in fresh:
            booking = one.booking
            content = known.get(booking.transaction_id)
            if content is None:
                known[booking.transaction_id] = booking.content
                self._effects.append(booking)
                self._stage(booking.place, one.line)
            elif content == booking.content:
                self._effects.append(Repeat(booking.place, booking.transaction_id))
                self._stage(booking.place, repeated(one.line))
            else:
                error = InvalidMessageError(Reason.ID_CONFLICT, "another payment was settled under the same id")
                self._effects.append(Refusal(booking.place, booking.transaction_id, error.reason, error.detail))
                found.append((one.record, error))
        return found

    def _stage(self, place: Place, line: str) -> None:
        self._lines.add(line)
        self._fresh[place] = line

    def _refused_before(self, saved: Iterable[_Staged]) -> list[tuple[Record, InvalidMessageError]]:
        """Return what the ledger says was refused, of what is below the watermark."""
        by_partition: dict[int, list[int]] = {}
        for one in saved:
            by_partition.setdefault(one.booking.place.partition, []).append(one.booking.place.offset)
        refusals: dict[Place, Refusal] = {}
        for partition, offsets in by_partition.items():
            refusals |= self._ledger.refusals(partition, min(offsets), max(offsets) + 1)
        return [
            (one.record, InvalidMessageError(Reason(refusal.reason), refusal.detail))
            for one in saved
            if (refusal := refusals.get(one.booking.place)) is not None
        ]

    def save(self, ends: Mapping[Assigned, int]) -> None:
        """Save what was decided, and how far it goes."""
        moved = self._progress.moved(ends)
        self._ledger.save(self._progress.before, moved, self._effects)
        self._progress.saved(moved)
        # What is saved stays so, where Kafka fails behind it: it comes again, and is told then.
        self._outcomes.update(map(type, self._effects))
        self._unprinted |= self._fresh

    def committed(self) -> None:
        """Print what was settled."""
        self._lines.committed()
        self._unprinted.clear()
        self._drop()

    def aborted(self) -> None:
        """Print nothing: the same transactions come again."""
        self._lines.aborted()
        self._drop()

    def figures(self) -> Iterator[Figure]:
        """Return what became of payments; for another thread."""
        outcomes = dict(self._outcomes)
        for outcome, kind in OUTCOMES.items():
            yield Figure(metrics.BOOKINGS, outcomes.get(kind, 0), (outcome,))

    def _drop(self) -> None:
        self._staged.clear()
        self._effects.clear()
        self._fresh.clear()
