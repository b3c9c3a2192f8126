"""Figures of the last quarter of an hour, a bucket a second. Pure: rows and the time in, figures out."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from dashboard.live.row import BRANCHES, DEAD_LETTER, FRAUD, LEGIT
from pipeline.contracts.messages import COUNTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dashboard.live.row import Row

SECONDS: Final = 900
RATE_SECONDS: Final = 10
SHARE_SECONDS: Final = 60
TOP_RULES: Final = 12
# Latencies are kept by the power of this that they lie below: what is told of them is right within five per cent.
_STEP: Final = 1.05
_LOG_STEP: Final = math.log(_STEP)


class Second(msgspec.Struct, frozen=True):
    """One point of the charts: ``at`` is in seconds since 1970; latencies are in milliseconds, None where unknown."""

    at: int
    legit: int
    fraud: int
    dead_letter: int
    p50_ms: float | None
    p99_ms: float | None


class Glance(msgspec.Struct, frozen=True):
    """What the page says at its top.

    ``per_second`` is of the last ten seconds, ``fraud_share`` (0 to 1) and latencies of the last minute, counts of the
    last quarter of an hour; ``stopped`` is money by currency, exact text, since midnight of UTC.
    """

    at: int
    per_second: float
    fraud_share: float | None
    p50_ms: float | None
    p99_ms: float | None
    counts: dict[str, int]
    rules: dict[str, int]
    stopped: dict[str, str]


class Judged(msgspec.Struct, frozen=True):
    """By which version of the rules a transaction was judged, and its record time."""

    version: str
    at_ms: int


@dataclass(slots=True)
class _Bucket:
    at: int = -1
    counts: Counter[str] = field(default_factory=Counter)
    hits: Counter[tuple[str, str]] = field(default_factory=Counter)  # by rule and how they count
    latencies: Counter[int] = field(default_factory=Counter)


class Fold:
    """Takes each row once, in any order; what is older than a quarter of an hour counts for money alone.

    ``judged`` tells by which rules the latest fraud was found.
    """

    def __init__(self) -> None:
        self._buckets = [_Bucket() for _ in range(SECONDS)]
        self.judged: Judged | None = None
        self._day = ""
        self._stopped: dict[str, Decimal] = {}

    def take(self, row: Row, now_ms: int, *, live: bool) -> None:
        """Take a row that was seen at ``now_ms``; ``live``: just when it came, so that its age is its latency."""
        if row.branch == FRAUD:
            self._stop(row, now_ms)
            if row.ruleset is not None and (self.judged is None or row.at_ms >= self.judged.at_ms):
                self.judged = Judged(row.ruleset, row.at_ms)
        now = now_ms // 1000
        # The latency is told of the moment at which it was seen.
        seen = self._bucket(now) if live else None
        if seen is not None:
            seen.latencies[_index(max(0, now_ms - row.at_ms))] += 1
        at = min(row.at_ms // 1000, now)
        bucket = self._bucket(at) if at > now - SECONDS else None
        if bucket is not None:
            bucket.counts[row.branch] += 1
            if row.branch == FRAUD:
                bucket.hits.update({(reason.rule, COUNTED) for reason in row.reasons})
            bucket.hits.update(set(row.noted))

    def _bucket(self, at: int) -> _Bucket | None:
        """Return the bucket of a second; None where its place belongs to a later one already."""
        place = at % SECONDS
        bucket = self._buckets[place]
        if bucket.at > at:
            return None
        if bucket.at < at:
            bucket = self._buckets[place] = _Bucket(at)
        return bucket

    def _stop(self, row: Row, now_ms: int) -> None:
        self._roll(now_ms)
        if _day_of(min(row.at_ms, now_ms)) == self._day and row.amount is not None and row.currency is not None:
            self._stopped[row.currency] = self._stopped.get(row.currency, Decimal(0)) + Decimal(row.amount)

    def _roll(self, now_ms: int) -> None:
        today = _day_of(now_ms)
        if today != self._day:
            self._day, self._stopped = today, {}

    def glance(self, now_ms: int) -> Glance:
        """Return the figures as they stand."""
        self._roll(now_ms)
        now = now_ms // 1000
        recent = list(self._between(now - RATE_SECONDS, now))
        minute = list(self._between(now - SHARE_SECONDS, now + 1))
        seen, latencies = Counter[str](), Counter[int]()
        for bucket in minute:
            seen.update(bucket.counts)
            latencies.update(bucket.latencies)
        quarter, hits = self._quarter(now)
        rules = {rule: count for (rule, standing), count in hits.items() if standing == COUNTED}
        return Glance(
            at=now,
            per_second=sum(bucket.counts.total() for bucket in recent) / RATE_SECONDS,
            fraud_share=seen[FRAUD] / seen.total() if seen.total() else None,
            p50_ms=_percentile(latencies, 0.5),
            p99_ms=_percentile(latencies, 0.99),
            counts={branch: quarter[branch] for branch in BRANCHES},
            rules=dict(sorted(rules.items(), key=lambda one: (-one[1], one[0]))[:TOP_RULES]),
            stopped={currency: format(total, "f") for currency, total in sorted(self._stopped.items())},
        )

    def hits(self, now_ms: int) -> dict[str, dict[str, int]]:
        """Return how often each rule hit within the last quarter of an hour, by how its hits count."""
        found: dict[str, dict[str, int]] = {}
        for (rule, standing), count in self._quarter(now_ms // 1000)[1].items():
            found.setdefault(rule, {})[standing] = count
        return found

    def _quarter(self, now: int) -> tuple[Counter[str], Counter[tuple[str, str]]]:
        """Return rows by branch and hits of the last quarter of an hour."""
        counts, hits = Counter[str](), Counter[tuple[str, str]]()
        for bucket in self._between(now - SECONDS + 1, now + 1):
            counts.update(bucket.counts)
            hits.update(bucket.hits)
        return counts, hits

    def history(self, now_ms: int, seconds: int = SECONDS) -> list[Second]:
        """Return the points of the last ``seconds``, the oldest first, without the second that is not over."""
        now = now_ms // 1000
        return [self._second(at) for at in range(now - min(seconds, SECONDS - 1), now)]

    def _second(self, at: int) -> Second:
        bucket = self._buckets[at % SECONDS]
        if bucket.at != at:
            return Second(at, 0, 0, 0, None, None)
        latencies = _percentile(bucket.latencies, 0.5), _percentile(bucket.latencies, 0.99)
        return Second(at, bucket.counts[LEGIT], bucket.counts[FRAUD], bucket.counts[DEAD_LETTER], *latencies)

    def _between(self, begin: int, end: int) -> Iterable[_Bucket]:
        for at in range(begin, end):
            bucket = self._buckets[at % SECONDS]
            if bucket.at == at:
                yield bucket


def _day_of(at_ms: int) -> str:
    return datetime.fromtimestamp(max(0, at_ms) / 1000, UTC).date().isoformat()


def _index(latency_ms: int) -> int:
    return math.ceil(math.log(latency_ms) / _LOG_STEP) if latency_ms > 1 else 0


def _percentile(latencies: Counter[int], share: float) -> float | None:
    """Return what so many of the latencies are not above, in milliseconds; None where there are none."""
    left = math.ceil(latencies.total() * share)
    for index in sorted(latencies):
        left -= latencies[index]
        if left <= 0:
            return round(_STEP**index, 1)
    return None
