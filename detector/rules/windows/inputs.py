"""What a transaction puts into columns, and whether it counts, as text of the function that takes it in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from detector.rules.expressions.code import Code, bound, code
from detector.rules.expressions.kinds import Kind
from detector.rules.windows.distinct import HASHES, hashed, text_hash
from detector.rules.windows.numbers import CENT, HUNDRED, scaled
from detector.rules.windows.series import Form
from detector.rules.windows.sharing import TEXTS, shared

if TYPE_CHECKING:
    from collections.abc import Sequence


QUICK: Final = 10**16  # cents below it are exact in any context, and within 64 bits


class Step:
    """Something that is evaluated once for a transaction, however often it is used: by its ``name``.

    ``currency``: a number in it stands for money of that currency, so it is as good as missing for transactions of
    others; None for any.
    """

    def __init__(self, name: str, made: Code, currency: str | None, missing: str) -> None:
        self.name = Code(name, {})
        self.made = made
        self._currency = None if currency is None else bound(currency)
        self._missing = missing
        self._target = name

    @property
    def bound(self) -> dict[str, object]:
        """What the names in its lines stand for."""
        return {**self.made.bound, **({} if self._currency is None else self._currency.bound)}

    @property
    def lines(self) -> list[str]:
        """The lines that evaluate it."""
        name = self._target
        lines = [
            "try:",
            f"    {name} = {self.made.text}",
            "except (EvaluationError, DecimalException):",
            f"    {name} = {self._missing}",
        ]
        if self._currency is None:
            return lines
        other = [f"{name} = {self._missing}", f"if t.currency == {self._currency.text}:"]
        return [*other, *(f"    {line}" for line in lines)]


class Input(Step):
    """A value for a column of a form, None where it has none. Texts, numbers and the like are as the form wants them.

    Of a number, ``scale`` is the name of how many of its digits are decimals, 0 where there is none; else it is 0.
    """

    def __init__(self, name: str, value: Code, form: Form, currency: str | None, *, kind: Kind = Kind.NUMBER) -> None:
        self.form = form
        kept = _as_kept(value, form, kind=kind)
        super().__init__(name, kept, currency, "None")
        self.scale = "0"
        if form is Form.NUMBER:
            self.scale = f"{name}d"
            self._target, self._missing = f"{name}, {self.scale}", "None, 0"

    @property
    def whole(self) -> str:
        """What a series takes of it where it does not take it at once."""
        name = self.name.text
        return name if self.form is not Form.NUMBER else f"None if {name} is None else ({name}, {self.scale})"


class Condition(Step):
    """Whether something holds for a transaction; without a value it does not."""

    def __init__(self, name: str, value: Code, currency: str | None) -> None:
        super().__init__(name, value, currency, "False")


def _as_kept(value: Code, form: Form, *, kind: Kind) -> Code:
    if form is Form.NUMBER and kind is Kind.MONEY:
        # As most money is, and as ``scaled`` has it: what was rounded on the way is beyond what is taken.
        quick = f"((x, 2) if (y := {{}}).same_quantum({{}}) and -{QUICK} < (x := int(y * {{}})) < {QUICK} else {{}}(y))"
        return code(quick, value, bound(CENT), bound(HUNDRED), bound(scaled))
    if form is Form.NUMBER:
        return code("{}({})", bound(scaled), value)
    if form is Form.PLAIN and kind is Kind.TEXT:
        return code("({}.get(y := {}) or {}(y))", bound(TEXTS), value, bound(shared))
    if form is not Form.HASH:
        return value
    if kind is Kind.TEXT:
        return code("({}.get(y := {}) or {}(y))", bound(HASHES), value, bound(text_hash))
    return code("{}({})", bound(hashed), value)


def steps_code(steps: Sequence[Condition]) -> Code:
    """Return what tells which of several conditions hold, as bits, the first the lowest."""
    return code(
        "(" + " + ".join(f"({{}} << {number})" for number in range(len(steps))) + ")", *[one.name for one in steps]
    )


def any_code(where: Condition | None, steps: Sequence[Condition]) -> Code:
    """Return what tells whether any of several conditions holds, and a filter where there is one."""
    some = code("(" + " or ".join("{}" for _ in steps) + ")", *[one.name for one in steps])
    return some if where is None else code("({} and {})", where.name, some)


def key_code(parts: Sequence[tuple[Code, bool]]) -> Code:
    """Return what gets a key of one or several values; amounts of money go with their currency."""
    values = [code("({}, t.currency)", value) if is_money else value for value, is_money in parts]
    if len(values) == 1:
        return values[0]
    return code("(" + ", ".join("{}" for _ in values) + ")", *values)
