"""The figures of the loop: plain numbers, added to once a batch, whoever asks for them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pipeline.contracts.invalid import Reason
from pipeline.runtime import clock
from pipeline.runtime.vitals import Distribution, Figure, metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kafka.structs import TopicPartition

    from pipeline.runtime.pieces import Piece
    from pipeline.runtime.transactional.batch import Batch

MOST_POINTS: Final = 8  # of a piece: its records are taken to lie evenly between its first and its last


class LoopFigures:
    """Counts what is handled for good, and what was undone. ``tripped`` and ``lags`` are as the loop last saw them."""

    def __init__(self, now_ms: Callable[[], int] | None = None) -> None:
        self._now_ms = now_ms or clock.now_ms
        self._records: Counter[str] = Counter()
        self._letters: Counter[tuple[str, str]] = Counter()
        self._batches = self._aborts = 0
        self._seconds = Distribution(metrics.BATCH_SECONDS.buckets)
        self._ages = Distribution(metrics.LATENCY.buckets)
        self.tripped = False
        self.lags: Mapping[TopicPartition, int] = {}

    def committed(self, batch: Batch, seconds: float, letters: Iterable[tuple[str, str]]) -> None:
        """Count a batch with records, how long it took, and its dead letters by topic and reason."""
        self._batches += 1
        self._seconds.add(seconds)
        self._letters.update(letters)
        now_ms = self._now_ms()
        for place, pieces in batch.pieces_of.items():
            for piece in pieces:
                self._records[place.topic] += len(piece)
                for age_ms, times in ages_of(piece, now_ms):
                    self._ages.add(age_ms / 1000, times)

    def aborted(self) -> None:
        """Count a batch that was undone."""
        self._aborts += 1

    def figures(self) -> Iterator[Figure]:
        """Return them as they stand; for another thread."""
        for topic, count in dict(self._records).items():
            yield Figure(metrics.RECORDS, count, (topic,))
        yield Figure(metrics.BATCHES, self._batches)
        yield Figure(metrics.ABORTS, self._aborts)
        yield Figure(metrics.BATCH_SECONDS, self._seconds)
        yield Figure(metrics.LATENCY, self._ages)
        # Those that have not been yet as well: Prometheus sees no change in what begins with its first one.
        letters = dict.fromkeys(((topic, str(reason)) for topic in self._topics() for reason in Reason), 0)
        for (topic, reason), count in {**letters, **self._letters}.items():
            yield Figure(metrics.DEAD_LETTERS, count, (topic, reason))
        for place, lag in self.lags.items():
            yield Figure(metrics.LAG, lag, (place.topic, str(place.partition)))
        yield Figure(metrics.TRIPPED, int(self.tripped))

    def _topics(self) -> set[str]:
        return {place.topic for place in self.lags} | set(dict(self._records))


def ages_of(piece: Piece, now_ms: int) -> Iterator[tuple[int, int]]:
    """Return ages in milliseconds, and how many records have each: of a few points between the first and the last."""
    first_ms, last_ms = piece.times_ms()
    records = len(piece)
    points = min(records, MOST_POINTS)
    cuts = [records * number // points for number in range(points + 1)]
    for number, (begin, end) in enumerate(pairwise(cuts)):
        at_ms = first_ms + (last_ms - first_ms) * number // max(1, points - 1)
        yield max(0, now_ms - at_ms), end - begin
