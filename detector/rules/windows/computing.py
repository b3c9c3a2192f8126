"""Aggregates of transactions that are kept one by one: of slices of columns."""

from __future__ import annotations

from operator import mul
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from detector.rules.expressions.kinds import EvaluationError
from detector.rules.windows.numbers import counted, decimal_of, deviation, mean
from detector.rules.windows.series import Form

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from detector.rules.windows.series import Series


class Slice(NamedTuple):
    """Transactions of a series from ``lo`` up to before ``hi``; the one at hand is the last where it is ``own``.

    ``column`` is the one that is asked for, ``least`` how many decimals its numbers have at least.
    """

    series: Series
    lo: int
    hi: int
    own: bool
    column: int
    form: Form
    least: int

    @property
    def values(self) -> Sequence[Any]:
        """The values that there are, as they are kept."""
        return self.series.between(self.column, self.lo, self.hi)

    @property
    def scale(self) -> int:
        """How many of their digits are decimals."""
        return self.series.scale(self.column)

    def shown(self, value: Any) -> Any:  # noqa: ANN401 (a value of any kind)
        """Return a value as expressions have it."""
        return decimal_of(value, self.scale, self.least) if self.form is Form.NUMBER else value

    def end(self, at: int, *, myself: bool = True) -> Any:  # noqa: ANN401 (a value of any kind)
        """Return the oldest value (0) or the newest (-1), as expressions have it."""
        values = self.series.between(self.column, self.lo, self.hi if myself or not self.own else self.hi - 1)
        if not values:
            raise nothing()
        return self.shown(values[at])


def nothing(told: str = "no transaction in the window has a value") -> EvaluationError:
    """Return the error of an aggregate of nothing."""
    return EvaluationError("empty", told)


def _count(found: Slice) -> Decimal:
    return counted(found.hi - found.lo)


def _sum(found: Slice) -> Decimal:
    return decimal_of(sum(found.values), found.scale, found.least)


def _avg(found: Slice) -> Decimal:
    values = found.values
    if not values:
        raise nothing()
    return mean(decimal_of(sum(values), found.scale, found.least), len(values))


def _min(found: Slice) -> Any:  # noqa: ANN401 (a value of any kind)
    values = found.values
    if not values:
        raise nothing()
    return found.shown(min(values))


def _max(found: Slice) -> Any:  # noqa: ANN401 (a value of any kind)
    values = found.values
    if not values:
        raise nothing()
    return found.shown(max(values))


def _stddev(found: Slice) -> Decimal:
    values = found.values
    if len(values) < 2:  # noqa: PLR2004 (a deviation is between two)
        raise nothing("a deviation takes two transactions")
    return deviation(len(values), sum(values), sum(map(mul, values, values)), found.scale)


COMPUTE: Final[dict[str, Callable[[Slice], Any]]] = {
    "count": _count,
    "sum": _sum,
    "avg": _avg,
    "min": _min,
    "max": _max,
    "stddev": _stddev,
    "count_distinct": lambda found: counted(len(set(found.values))),
    "first": lambda found: found.end(0),
    "last": lambda found: found.end(-1),
    "previous": lambda found: found.end(-1, myself=False),
}
# Of no transaction, all others have no value.
EMPTY: Final[dict[str, Callable[[int], Decimal]]] = {
    "count": lambda _: counted(0),
    "count_distinct": lambda _: counted(0),
    "sum": lambda least: decimal_of(0, 0, least),
}
