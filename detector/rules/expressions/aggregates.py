"""The aggregates: functions that look at a window of the history of a key, not at one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from detector.rules.expressions.kinds import Kind

_ANY: Final = frozenset(Kind)
_NUMERIC: Final = frozenset({Kind.NUMBER, Kind.MONEY})
_ORDERED: Final = _NUMERIC | {Kind.MOMENT, Kind.DURATION}


@dataclass(frozen=True, slots=True)
class Aggregate:
    """``takes`` are the kinds that it takes, none for ``count``; ``gives`` is None where it gives the kind it takes."""

    name: str
    takes: frozenset[Kind]
    gives: Kind | None
    told: str


AGGREGATES: Final = {
    one.name: one
    for one in (
        Aggregate("count", frozenset(), Kind.NUMBER, 'count(), count("1h")'),
        Aggregate("sum", _NUMERIC, None, 'sum(amount), sum(amount, "1h")'),
        Aggregate("avg", _NUMERIC, None, 'avg(amount), avg(amount, "1h")'),
        Aggregate("min", _ORDERED, None, 'min(amount), min(amount, "1h")'),
        Aggregate("max", _ORDERED, None, 'max(amount), max(amount, "1h")'),
        Aggregate("stddev", _NUMERIC, None, 'stddev(amount), stddev(amount, "1h")'),
        Aggregate("count_distinct", _ANY, Kind.NUMBER, 'count_distinct(target), count_distinct(target, "1h")'),
        Aggregate("first", _ANY, None, 'first(target), first(target, "1h")'),
        Aggregate("last", _ANY, None, 'last(target), last(target, "1h")'),
        Aggregate("previous", _ANY, None, 'previous(target), previous(target, "1h")'),
    )
}
