"""A log that is read again behind a snapshot, whose buckets know more or less of it already."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detector.rules.expressions.kinds import EvaluationError
from detector.rules.windows.clock import UNSET
from detector.rules.windows.evicting import lose
from detector.rules.windows.kept import bucket_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detector.rules.windows.kept import Partition
    from detector.rules.windows.series import Undo


class Known(NamedTuple):
    """What a snapshot knows of a partition beside its buckets, which were packed while its log went on.

    When it began, records were at ``newest_us``, and what was seen before ``evicted_us`` was evicted. Until it was
    whole there were ``evictions`` (see ``Partition``); then records were at ``end_us``, and all of it took ``size``.
    ``opens`` has the offset behind what a bucket knows, of those that know more than the begin.
    """

    newest_us: int = UNSET
    evicted_us: int = UNSET
    evictions: Sequence[tuple[int, int]] = ()
    end_us: int = UNSET
    size: int = 0
    opens: Mapping[int, int] = {}


def watched(held: Partition) -> Known:
    """Return what is to be known before buckets are packed, and note what is evicted from now on."""
    held.evictions = []
    return Known(held.newest_us, held.evicted_us)


def unwatched(held: Partition, begun: Known) -> Known:
    """Return what is to be known once all buckets are packed, and leave off noting; while nothing is staged."""
    evictions, held.evictions = held.evictions or [], None
    return begun._replace(evictions=evictions, end_us=held.newest_us, size=held.size)


class Gate:
    """Lets buckets take what they do not know yet, until the snapshot was whole: from there all take everything.

    Until then nobody knows what all of them take, so that nothing else is evicted.
    What was evicted meanwhile was by the sizes of all buckets together, which nobody knows again before its end. So
    that is told, and is done again at the same places. ``offset`` is that of the record at hand.
    """

    __slots__ = ("_left", "known", "offset")

    def __init__(self, known: Known) -> None:
        """Begin before the log."""
        self.known = known
        self.offset = 0
        self._left = list(reversed(known.evictions))

    def look(self, value: object) -> None:
        """Let a value of a key pass whose bucket does not know the record yet.

        Raises:
            EvaluationError: it does.

        """
        if self.offset < self.known.opens.get(bucket_of(value), 0):
            raise EvaluationError("known", "the snapshot of this key knows the transaction already")

    def follow(self, held: Partition, known_us: int, undo: list[Undo]) -> None:
        """Evict what was evicted behind the record at hand, and open where that is the last; no value waits then."""
        while self._left and self._left[-1][0] <= held.newest_us:
            _, horizon_us = self._left.pop()
            lose(held, horizon_us, max(held.evicted_us, held.newest_us - known_us), undo)
        if held.newest_us >= self.known.end_us:
            held.size = self.known.size
            held.gate = None

    def open(self, held: Partition, undo: list[Undo]) -> None:
        """Open although the last record did not come: somebody has removed it from the log."""
        for _, horizon_us in reversed(self._left):
            lose(held, horizon_us, held.evicted_us, undo)
        held.size = self.known.size
        held.gate = None
