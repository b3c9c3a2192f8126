"""docs/rules.md, "Time and windows", a second time: slowly, from the whole history, for every transaction anew.

It shares with the engine the closures of expressions, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException
from hashlib import blake2b
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from detector.rules.expressions import EvaluationError, Kind
from detector.rules.subject import Subject
from pipeline.contracts.moments import microseconds_of
from pipeline.contracts.money import decimals_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.contracts.messages import Transaction

    Value = Callable[[Subject], Any]

ROUNDED: Final = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144)
EXACT: Final = Context(prec=3000)
HASHES: Final = 1 << 64
MOST: Final = Decimal("1e34")
FINEST: Final = Decimal("1e-34")
DAY_US: Final = 86_400 * 10**6


@dataclass(frozen=True)
class Bounds:
    """What the engine keeps, in numbers."""

    lateness_us: int
    newest: int
    panes: int
    smallest: int


@dataclass(frozen=True)
class Asked:
    """One aggregate: ``of`` is None for count, ``where`` for all."""

    function: str
    key: list[Value]
    of: Value | None
    kind: Kind
    where: Value | None
    width_us: int


@dataclass(frozen=True)
class Seen:
    """A transaction of the log: its place there, its time, its value."""

    place: int
    time_us: int
    value: Any
    subject: Subject


def value_of(get: Value | None, subject: Subject) -> Any:
    """Return a value, or None where there is none."""
    try:
        return True if get is None else get(subject)
    except (EvaluationError, DecimalException):
        return None


def taken(of: Value | None, subject: Subject) -> Any:
    """Return a value as aggregates take it in: a number too large is none, one too fine is rounded."""
    value = value_of(of, subject)
    if not isinstance(value, Decimal):
        return value
    return EXACT.quantize(value, FINEST) if abs(value) < MOST else None


class Log:
    """One partition, as far as it was read."""

    def __init__(self, bounds: Bounds, reach_us: int) -> None:
        self.bounds = bounds
        self.known_us = reach_us + DAY_US
        self.entries: list[tuple[Subject, int, int]] = []  # with its own time and the record's, in microseconds

    def add(self, transaction: Transaction, timestamp_ms: int) -> None:
        """Read one more."""
        self.entries.append((Subject(transaction), microseconds_of(transaction.timestamp), timestamp_ms * 1000))

    def known(self, key: list[Value]) -> list[int]:
        """Return the places of the key at hand, since it was forgotten last."""
        mine = [get(self.entries[-1][0]) for get in key]
        found: list[int] = []
        newest = seen = -(10**20)
        for place, (subject, _, record_us) in enumerate(self.entries):
            newest = max(newest + 1, record_us)
            if [value_of(get, subject) for get in key] == mine:
                found = [*(found if seen >= newest - self.known_us else []), place]
                seen = newest
        return found

    def base_us(self, key: list[Value]) -> int:
        """Return from where windows reach back: the time at hand, or the clock less the lateness."""
        clock = -(10**20)
        for place in self.known(key):
            _, time_us, record_us = self.entries[place]
            clock = max(clock, min(time_us, max(clock, record_us) + self.bounds.lateness_us))
        return max(self.entries[-1][1], clock - self.bounds.lateness_us)

    def history(self, key: list[Value], where: Value | None, of: Value | None, *, money: bool) -> list[Seen]:
        """Return what counts of the key at hand, in the order of time and of the log, also what has no value."""
        current = self.entries[-1][0]
        found = []
        for place in self.known(key):
            subject, time_us, _ = self.entries[place]
            other = money and subject.transaction.currency != current.transaction.currency
            value = taken(of, subject)
            if not other and value_of(where, subject):
                found.append(Seen(place, time_us, value, subject))
        return sorted(found, key=lambda one: (one.time_us, one.place))

    def window(self, asked: Asked) -> tuple[list[Seen], bool]:
        """Return what a window holds, in order, and whether different values are estimated in it."""
        time_us, last = self.entries[-1][1], len(self.entries) - 1
        begin_us, step = self.base_us(asked.key) - asked.width_us, max(1, asked.width_us // 64)
        held = self.history(asked.key, asked.where, asked.of, money=asked.kind is Kind.MONEY)
        newest, older = held[-self.bounds.newest :], held[: -self.bounds.newest]
        found = [one for one in newest if begin_us < one.time_us <= time_us]
        estimate = False
        if older and newest[0].time_us > begin_us:
            rest = [one for one in older if one.place != last]
            panes = [(number, list(pane)) for number, pane in groupby(rest, lambda one: one.time_us // step)]
            for number, pane in panes[-self.bounds.panes :]:
                if (begin_us + 1) // step <= number <= time_us // step and begin_us < time_us:
                    found += pane
                    hashes = {hash_of(one.value) for one in pane if one.value is not None}
                    estimate = estimate or len(hashes) >= self.bounds.smallest
        found += [one for one in held if one.place == last and one not in found]
        found = [one for one in found if one.value is not None]
        return sorted(found, key=lambda one: (one.time_us, one.place)), estimate

    def aggregate(self, asked: Asked) -> Any:  # noqa: PLR0911 (one for each function)
        """Return an aggregate for the last transaction; None where it has no value."""
        seen, estimate = self.window(asked)
        values = [one.value for one in seen]
        if asked.function == "count":
            return Decimal(len(values))
        if asked.function == "count_distinct":
            hashes = sorted({hash_of(value) for value in values})
            k = self.bounds.smallest
            return Decimal((k - 1) * HASHES // (hashes[k - 1] + 1) if estimate else len(hashes))
        if asked.function == "previous":
            values = [one.value for one in seen if one.place != len(self.entries) - 1]
        if asked.function == "sum":
            return self.told(exact_sum(values), asked.kind)
        if not values:
            return None
        if asked.function in {"first", "last", "previous"}:
            return self.told(values[0 if asked.function == "first" else -1], asked.kind)
        if asked.function in {"min", "max"}:
            return self.told(min(values) if asked.function == "min" else max(values), asked.kind)
        if asked.function == "avg":
            return ROUNDED.divide(self.told(exact_sum(values), asked.kind), Decimal(len(values)))
        return deviation(values)

    def told(self, value: Any, kind: Kind) -> Any:
        """Return a number without zeros at its end, and money with the decimals of its currency."""
        if not isinstance(value, Decimal):
            return value
        least = decimals_of(self.entries[-1][0].transaction.currency) if kind is Kind.MONEY else 0
        exact = EXACT.normalize(value)
        exponent = exact.as_tuple().exponent
        assert isinstance(exponent, int)
        return ROUNDED.plus(exact if -exponent > least else EXACT.quantize(exact, Decimal(1).scaleb(-least)))

    def steps(self, key: list[Value], where: Value | None, steps: list[Value], width_us: int) -> list[int] | None:
        """Return the times of the steps before the last, the latest there are; None where one is not there."""
        time_us, begin_us = self.entries[-1][1], self.base_us(key) - width_us

        def any_step(subject: Subject) -> bool:
            return bool(value_of(where, subject)) and any(value_of(step, subject) for step in steps)

        held = self.history(key, any_step, None, money=False)[-self.bounds.newest :]
        earlier = [one for one in held if begin_us < one.time_us <= time_us and one.place != len(self.entries) - 1]
        return chain(earlier, steps)


def chain(held: list[Seen], steps: list[Value]) -> list[int] | None:
    """Return the times of a chain of steps, with the latest last one that has any."""
    if not steps:
        return []
    for place in reversed(range(len(held))):
        if value_of(steps[-1], held[place].subject):
            before = chain(held[:place], steps[:-1])
            if before is not None:
                return [*before, held[place].time_us]
    return None


def exact_sum(values: list[Decimal]) -> Decimal:
    """Return a sum that was never rounded."""
    total = Decimal(0)
    for value in values:
        total = EXACT.add(total, value)
    return total


def deviation(values: list[Decimal]) -> Decimal | None:
    """Return the sample standard deviation."""
    count = len(values)
    if count < 2:
        return None
    squares = exact_sum([EXACT.multiply(value, value) for value in values])
    total = exact_sum(values)
    spread = EXACT.subtract(EXACT.multiply(Decimal(count), squares), EXACT.multiply(total, total))
    return ROUNDED.normalize(ROUNDED.sqrt(ROUNDED.divide(spread, Decimal(count * (count - 1)))))


def hash_of(value: Any) -> int:
    """Return the hash of a value, from 0."""
    text = str(ROUNDED.normalize(value) if value else 0) if isinstance(value, Decimal) else str(value)
    signed = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)
    return signed + HASHES // 2
