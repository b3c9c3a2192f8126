"""Makes a function of an expression, and finds all that is wrong with it before any transaction is seen."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from decimal import DecimalException
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from detector.rules.expressions.calculating import arithmetic, negative
from detector.rules.expressions.calling import call
from detector.rules.expressions.code import Code, code, value_of
from detector.rules.expressions.comparing import comparison, listed
from detector.rules.expressions.grammar import NotAllowedError, parse
from detector.rules.expressions.kinds import EvaluationError, Kind
from detector.rules.expressions.naming import constant, name
from detector.rules.expressions.parts import BROKEN, Fault, Making, Part

if TYPE_CHECKING:
    from datetime import tzinfo

    from detector.rules.expressions.names import Names
    from detector.rules.expressions.parts import Makers, Value
    from detector.rules.subject import Subject
    from detector.rules.windows.history import History


@dataclass(frozen=True)
class Compiled:
    """An expression, as ``code``; ``value`` raises EvaluationError where it has none, ``bare`` also DecimalException.

    ``uses`` are the values it looks at, by name, and ``kinds`` their kinds.

    ``mixes_money`` tells whether a number stands for money in it, which then has to be of some currency. ``bounds`` are
    what it compares the amount with; None where the amount stands for more in it than that.
    """

    text: str
    kind: Kind
    code: Code
    uses: dict[str, Value]
    kinds: dict[str, Kind]
    mixes_money: bool
    bounds: tuple[Value, ...] | None

    @cached_property
    def bare(self) -> Value:
        """What gets its value."""
        return value_of(self.code)

    @cached_property
    def value(self) -> Value:
        """What gets its value, with one kind of error."""
        return _guarded(self.bare)


def compile_expression(
    text: str, wanted: Kind | None, names: Names, zone: tzinfo, history: History | None = None
) -> Compiled | list[Fault]:
    """Return an expression of the kind that is wanted, or of any where that is None; else all that is wrong with it.

    ``history`` is what its aggregates look at; None where none may stand.
    """
    try:
        tree = parse(text)
    except NotAllowedError as error:
        return [Fault(error.offset, error.told)]
    making = Making(text, names, zone, MAKERS, history)
    whole = making.part(tree)
    if wanted is not None and whole.kind not in {None, wanted}:
        making.fault(tree, f"{wanted.value} was expected, this is {whole.told}")
    if making.faults or whole.kind is None:
        return sorted(set(making.faults))
    return Compiled(
        text,
        whole.kind,
        whole.code,
        making.uses,
        making.kinds,
        making.mixes_money,
        making.bounds.found(),
    )


def _guarded(value: Value) -> Value:
    def guarded(subject: Subject) -> Any:  # noqa: ANN401 (a value of any kind)
        try:
            return value(subject)
        except DecimalException as error:
            raise EvaluationError("arithmetic", type(error).__name__) from None

    return guarded


def junction(making: Making, node: ast.BoolOp) -> Part:
    """Make ``and`` and ``or``: from left to right, and no further than is needed."""
    parts = [making.part(one) for one in node.values]
    word = "and" if isinstance(node.op, ast.And) else "or"
    for one, part in zip(node.values, parts, strict=True):
        if part.kind not in {None, Kind.TRUTH}:
            making.fault(one, f"{word} takes true or false, this is {part.told}")
    if any(part.kind is not Kind.TRUTH for part in parts):
        return BROKEN
    template = "(" + f" {word} ".join("{}" for _ in parts) + ")"
    return Part(Kind.TRUTH, code(template, *[part.code for part in parts]))


MAKERS: Final[Makers] = {
    ast.Constant: constant,
    ast.Name: name,
    ast.Attribute: name,
    ast.UnaryOp: negative,
    ast.BoolOp: junction,
    ast.BinOp: arithmetic,
    ast.Compare: comparison,
    ast.Call: call,
    ast.List: listed,
    ast.Tuple: listed,
}
