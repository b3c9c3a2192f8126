"""What a transaction puts into columns, and whether it counts: evaluated once for a transaction, however often used."""

from __future__ import annotations

from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Any

from detector.rules.expressions.kinds import EvaluationError
from detector.rules.windows.distinct import hashed
from detector.rules.windows.numbers import decimal_of, scaled
from detector.rules.windows.series import Form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detector.rules.expressions.parts import Value
    from detector.rules.subject import Subject


class Input:
    """A value for a column of a form; None where it has none. Texts, numbers and the like are as the form wants them.

    ``currency``: a number in it stands for money of that currency, so transactions of others have none; None for any.
    """

    def __init__(self, value: Value, form: Form, currency: str | None) -> None:
        self.form = form
        self._value = value
        self._currency = currency
        self.subject: Subject | None = None
        self.held: Any = None  # the value for ``subject``

    def of(self, subject: Subject) -> Any:  # noqa: ANN401 (a value of the form)
        """Return the value for a transaction."""
        if self.subject is not subject:
            self.subject, self.held = subject, None
            if self._currency is None or subject.transaction.currency == self._currency:
                try:
                    value = self._value(subject)
                    number = scaled(value) if isinstance(value, Decimal) else None
                except (EvaluationError, DecimalException):
                    return None
                if self.form is Form.HASH:
                    self.held = hashed(value if number is None else decimal_of(*number, 0))
                else:
                    self.held = value if number is None else number
        return self.held


class Condition:
    """Whether something holds for a transaction; without a value it does not."""

    def __init__(self, value: Value, currency: str | None) -> None:
        self._value = value
        self._currency = currency
        self._subject: Subject | None = None
        self._held = False

    def holds(self, subject: Subject) -> bool:
        """Tell whether it holds."""
        if self._subject is not subject:
            self._subject, self._held = subject, False
            if self._currency is None or subject.transaction.currency == self._currency:
                try:
                    self._held = bool(self._value(subject))
                except (EvaluationError, DecimalException):
                    return False
        return self._held


def steps_value(steps: Sequence[Condition]) -> Value:
    """Return what tells which of several conditions hold, as bits, the first the lowest."""

    def value(subject: Subject) -> int:
        bits, bit = 0, 1
        for step in steps:
            if step.holds(subject):
                bits |= bit
            bit <<= 1
        return bits

    return value


def key_value(parts: Sequence[tuple[Value, bool]]) -> Value:
    """Return what gets a key of one or several values; amounts of money go with their currency."""

    def one(value: Value) -> Value:
        return lambda subject: (value(subject), subject.transaction.currency)

    values = [one(value) if is_money else value for value, is_money in parts]
    if len(values) == 1:
        return values[0]
    return lambda subject: tuple([value(subject) for value in values])
