"""What an expression may name: the fields of every transaction, and members of the message that a file declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from detector.rules.expressions.kinds import EvaluationError, Kind
from pipeline.contracts.moments import microseconds_of

if TYPE_CHECKING:
    from detector.rules.subject import Subject
    from pipeline.contracts.rule_bodies import Constant

Getter = Callable[["Subject"], object]

# What an exact number of a member may be: as many digits before or behind the point.
DIGITS: Final = 34
MOST: Final = 10**DIGITS


def _source(subject: Subject) -> str:
    if subject.transaction.source is None:
        raise EvaluationError("missing", "no source: this dialect names no payer")
    return subject.transaction.source


def clock(subject: Subject) -> int:
    """Return the transaction's time in microseconds since 1970, calculated once."""
    if subject.time_us is None:
        subject.time_us = microseconds_of(subject.transaction.timestamp)
    return subject.time_us


FIELDS: Final[dict[str, tuple[Kind, Getter]]] = {
    "id": (Kind.TEXT, lambda subject: subject.transaction.id),
    "source": (Kind.TEXT, _source),
    "target": (Kind.TEXT, lambda subject: subject.transaction.target),
    "account": (Kind.TEXT, lambda subject: subject.transaction.account),
    "amount": (Kind.MONEY, lambda subject: subject.transaction.amount),
    "currency": (Kind.TEXT, lambda subject: subject.transaction.currency),
    "timestamp": (Kind.MOMENT, clock),
    "method": (Kind.TEXT, lambda subject: subject.transaction.method),
}


class Names:
    """Names with their kinds. ``members`` are those that a file declares, by path: ``country``, ``card.country``.

    ``variables`` are names of values that are the same for every transaction; ``used`` are those that were asked for.
    """

    def __init__(self, members: Mapping[str, Kind], variables: Mapping[str, Constant] | None = None) -> None:
        self._members = dict(members)
        self.variables = dict(variables or {})
        self.used: set[str] = set()

    def variable(self, name: str) -> Constant | None:
        """Return what a variable holds, or None where there is none of that name."""
        if name in self.variables:
            self.used.add(name)
        return self.variables.get(name)

    def find(self, path: str) -> tuple[Kind, Getter] | None:
        """Return the kind of a name and how to get it, or None where there is no such name."""
        if path in FIELDS:
            return FIELDS[path]
        kind = self._members.get(path)
        return None if kind is None else (kind, member_getter(path, kind))

    def like(self, path: str) -> str:
        """Return a sentence that says what else might be meant."""
        known = [*FIELDS, *self._members, *self.variables]
        close = get_close_matches(path, known, n=1)
        return f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}; others go into members:"


def member_getter(path: str, kind: Kind) -> Getter:
    """Return what gets a member of a message, however deep, as a value of its kind."""
    first, *inner = path.split(".")
    convert = _CONVERTERS[kind]

    def get(subject: Subject) -> object:
        found: object = subject.transaction.attributes.get(first)
        for name in inner:
            found = found.get(name) if isinstance(found, dict) else None
        if found is None:
            raise EvaluationError("missing", f"no member {path}")
        value = convert(found)
        if value is None:
            raise EvaluationError("wrong-type", f"member {path} is not {kind.value}")
        return value

    return get


def _number(value: object) -> Decimal | None:
    if type(value) is int:
        return Decimal(value) if -MOST < value < MOST else None
    if type(value) is Decimal and value.is_finite() and (not value or -DIGITS < value.adjusted() < DIGITS):
        return value
    return None


def _text(value: object) -> str | None:
    return value if type(value) is str else None


def _truth(value: object) -> bool | None:
    return value if type(value) is bool else None


_CONVERTERS: Final[dict[Kind, Callable[[object], object]]] = {
    Kind.NUMBER: _number,
    Kind.TEXT: _text,
    Kind.TRUTH: _truth,
}
