"""The leaves of an expression: names and values that are written out."""

from __future__ import annotations

import ast
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING

from detector.rules.expressions.accessing import access
from detector.rules.expressions.aggregates import AGGREGATES
from detector.rules.expressions.bounds import AMOUNT
from detector.rules.expressions.grammar import source_of
from detector.rules.expressions.kinds import Kind
from detector.rules.expressions.names import DIGITS
from detector.rules.expressions.parts import Part, constant_part

if TYPE_CHECKING:
    from detector.rules.expressions.parts import Making
    from pipeline.contracts.rule_bodies import Constant


def constant(making: Making, node: ast.Constant) -> Part:
    """Make a number, a text, or true or false."""
    value = node.value
    if type(value) is bool:
        return constant_part(Kind.TRUTH, value)
    if type(value) is str:
        return constant_part(Kind.TEXT, value)
    if type(value) in {int, float}:
        # As it is written: a float has lost digits by now.
        written = source_of(node, making.text)
        try:
            number = Decimal(written.replace("_", ""))
        except DecimalException:
            return making.fault(node, f"{written} is no decimal number")
        if number and not -DIGITS < number.adjusted() < DIGITS:
            return making.fault(node, f"a number has at most {DIGITS} digits before or behind its point")
        return constant_part(Kind.NUMBER, number)
    return making.fault(node, f"{value!r} is no value: use exists(...) to ask whether there is one")


def name(making: Making, node: ast.Name | ast.Attribute) -> Part:
    """Make a field or a member."""
    path = path_of(node)
    if path is None:
        return making.fault(node, "a name was expected before the point")
    if path in {"true", "false"}:
        return constant_part(Kind.TRUTH, path == "true")
    constant = making.names.variable(path)
    if constant is not None:
        return _variable(making, node, path, constant)
    found = making.names.find(path)
    if found is None:
        if path in {*making.functions, *AGGREGATES, "exists", "matches"}:
            return making.fault(node, f"{path} is a function: {path}(...)")
        return making.fault(node, f"there is no {path}; {making.names.like(path)}")
    kind, get = found
    making.uses[path], making.kinds[path] = get, kind
    if path == AMOUNT:
        making.bounds.mentioned(node)
    return Part(kind, access(path, kind, get))


def _variable(making: Making, node: ast.expr, path: str, value: Constant) -> Part:
    if isinstance(value, frozenset):
        return making.fault(node, f"{path} holds several values: it stands behind in alone")
    return constant_part(_kind_of(value), value)


def _kind_of(value: Decimal | str | bool) -> Kind:  # noqa: FBT001 (it asks what it is)
    if isinstance(value, bool):
        return Kind.TRUTH
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER


def items_of(making: Making, node: ast.expr) -> list[Part] | None:
    """Return the values of a variable that holds several, or None where a node names none such."""
    path = path_of(node) if isinstance(node, ast.Name) else None
    value = making.names.variable(path or "")
    if not isinstance(value, frozenset):
        return None
    return [constant_part(_kind_of(one), one) for one in value]


def path_of(node: ast.expr) -> str | None:
    """Return a name with all its points, or None where it does not begin with one."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else None
