"""Calls: of the functions of the table, and of those that take more than values."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from detector.rules.expressions.aggregates import AGGREGATES
from detector.rules.expressions.aggregating import aggregate
from detector.rules.expressions.code import bound, code, value_of
from detector.rules.expressions.functions import PatternError, matcher
from detector.rules.expressions.kinds import EvaluationError, Kind
from detector.rules.expressions.naming import name
from detector.rules.expressions.parts import BROKEN, Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.rules.expressions.functions import Function
    from detector.rules.expressions.parts import Making
    from detector.rules.subject import Subject


def call(making: Making, node: ast.Call) -> Part:
    """Make a call of a function of the table, or of an aggregate."""
    called = node.func.id if isinstance(node.func, ast.Name) else None
    if called in AGGREGATES:
        return aggregate(making, node, AGGREGATES[called])
    if called is None or node.keywords:
        return making.fault(node, "a function was expected, with values between its brackets: lower(target)")
    if called in _SPECIAL:
        return _SPECIAL[called](making, node)
    function = making.functions.get(called)
    if function is None:
        known = ", ".join([*making.functions, *_SPECIAL, *AGGREGATES])
        return making.fault(node, f"there is no function {called}; there are {known}")
    return _called(making, node, called, function)


def _called(making: Making, node: ast.Call, called: str, function: Function) -> Part:
    parts = [making.part(one) for one in node.args]
    if len(parts) != len(function.takes):
        return making.fault(node, f"{called} takes {len(function.takes)} values: {function.told}")
    wrong = False
    for one, part, kind in zip(node.args, parts, function.takes, strict=True):
        if part.kind is None or part.kind is not kind:
            wrong = True
            if part.kind is not None:
                making.fault(one, f"{called} takes {kind.value} here, this is {part.told}: {function.told}")
    if wrong:
        return BROKEN
    template = "{}(" + ", ".join("{}" for _ in parts) + ")"
    return Part(function.gives, code(template, bound(function.call), *[part.code for part in parts]))


def exists(making: Making, node: ast.Call) -> Part:
    """Make ``exists(name)``: whether there is a value of the declared kind."""
    if len(node.args) != 1 or not isinstance(node.args[0], ast.Name | ast.Attribute):
        return making.fault(node, "exists takes one name: exists(country)")
    inner = name(making, node.args[0])
    if inner.kind is None:
        return inner
    get = value_of(inner.code)

    def exists(subject: Subject) -> bool:
        try:
            get(subject)
        except EvaluationError:
            return False
        return True

    return Part(Kind.TRUTH, code("{}(s)", bound(exists)))


def matches(making: Making, node: ast.Call) -> Part:
    """Make ``matches(text, "pattern")``; the pattern is compiled here and now."""
    if len(node.args) != 2:  # noqa: PLR2004 (as the sentence says)
        return making.fault(node, 'matches takes a text and a pattern: matches(target, "^DE[0-9]+")')
    text, pattern = making.part(node.args[0]), making.part(node.args[1])
    if text.kind not in {None, Kind.TEXT}:
        return making.fault(node.args[0], f"matches takes a text here, this is {text.told}")
    if type(pattern.constant) is not str:
        return pattern if pattern.kind is None else making.fault(node.args[1], "a pattern is written out, in quotes")
    try:
        found = matcher(pattern.constant)
    except PatternError as error:
        return making.fault(node.args[1], f"no pattern: {error}")
    if text.kind is None:
        return text
    return Part(Kind.TRUTH, code("{}({})", bound(found), text.code))


_SPECIAL: Final[dict[str, Callable[[Making, ast.Call], Part]]] = {"exists": exists, "matches": matches}
