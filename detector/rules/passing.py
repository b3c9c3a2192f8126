"""Which amount would have passed: the one nearest to a transaction's own at which a rule does not fire."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, DecimalException
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from detector.rules.expressions import EvaluationError
from pipeline.contracts.money import decimals_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detector.rules.expressions.parts import Value
    from detector.rules.subject import Subject

_ROUNDINGS: Final = (ROUND_FLOOR, ROUND_CEILING)


class _Beyond(NamedTuple):
    """Which amount passes for all amounts above ``last``, the greatest that is worth a try."""

    last: Decimal
    passing: Decimal | None


class Passing:
    """Tries amounts with one rule.

    ``bounds`` are what the rule compares the amount with: between two of them its answer does not change, so the
    nearest amount that passes is at most a step from one. ``alone``: the rule looks at nothing but the amount and its
    currency, so that one answer holds for all amounts above all bounds.
    """

    def __init__(self, fires: Value, bounds: Sequence[Value], *, alone: bool) -> None:
        self._fires = fires
        self._bounds = bounds
        self._alone = alone
        self._beyond: dict[str, _Beyond] = {}

    def amount(self, subject: Subject) -> Decimal | None:
        """Return the amount nearest to its own at which the rule would not fire, all else the same.

        Of two that are as near it is the smaller one; None where there is none.
        """
        own, currency = subject.transaction.amount, subject.transaction.currency
        known = self._beyond.get(currency)
        if known is not None and own > known.last:
            return known.passing
        tries = set(_beside(self._bounds, subject))
        passing = self._nearest(tries, subject)
        if self._alone and tries and own > max(tries):
            self._beyond[currency] = _Beyond(max(tries), passing)
        return passing

    def _nearest(self, tries: set[Decimal], subject: Subject) -> Decimal | None:
        judged = subject.transaction
        own = judged.amount
        try:
            for amount in sorted(tries, key=lambda one: (abs(one - own), one)):
                subject.transaction = msgspec.structs.replace(judged, amount=amount)
                if not self._would_fire(subject):
                    return amount
        finally:
            subject.transaction = judged
        return None

    def _would_fire(self, subject: Subject) -> bool:
        try:
            return bool(self._fires(subject))
        except (EvaluationError, DecimalException):
            return False


def _beside(bounds: Sequence[Value], subject: Subject) -> Iterator[Decimal]:
    """Yield the amounts on, directly below and directly above each bound, in steps of the currency."""
    step = Decimal(1).scaleb(-decimals_of(subject.transaction.currency))
    for bound in bounds:
        try:
            value = bound(subject)
            near = {value.quantize(step, rounding) for rounding in _ROUNDINGS}
        except (EvaluationError, DecimalException):
            continue  # what cannot be compared is no limit
        yield from (amount for one in near for amount in (one - step, one, one + step) if amount >= 0)
