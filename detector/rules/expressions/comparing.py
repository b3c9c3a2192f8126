"""Comparisons: of two values of one kind, in chains, and with lists."""

from __future__ import annotations

import ast
import operator
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from detector.rules.expressions.kinds import Kind, duration_us
from detector.rules.expressions.naming import items_of
from detector.rules.expressions.parts import BROKEN, NUMERIC, Part, constant_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from detector.rules.expressions.parts import Making, Value

_ORDERED: Final = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}
_EQUAL: Final = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
_SIGNS: Final[dict[type[ast.cmpop], str]] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip


# Written out, since most comparisons are such and a call less is a tenth of what a rule costs.
_WITH_CONSTANT: Final[dict[type[ast.cmpop], Callable[[Value, Any], Value]]] = {
    ast.Lt: lambda get, limit: lambda subject: get(subject) < limit,
    ast.LtE: lambda get, limit: lambda subject: get(subject) <= limit,
    ast.Gt: lambda get, limit: lambda subject: get(subject) > limit,
    ast.GtE: lambda get, limit: lambda subject: get(subject) >= limit,
    ast.Eq: lambda get, limit: lambda subject: get(subject) == limit,
    ast.NotEq: lambda get, limit: lambda subject: get(subject) != limit,
}


def comparison(making: Making, node: ast.Compare) -> Part:
    """Make a comparison, or a chain of them: ``100 <= amount < 900``."""
    nodes = [node.left, *node.comparators]
    links = []
    left = making.part(node.left)
    for at, sign in enumerate(node.ops):
        if isinstance(sign, ast.In | ast.NotIn):
            links.append(_membership(making, left, sign, nodes[at + 1]))
            left = BROKEN
            if at + 1 < len(node.ops):
                making.fault(nodes[at + 1], "in ends a chain of comparisons")
            continue
        right = making.part(nodes[at + 1])
        links.append(_link(making, left, right, sign, nodes[at : at + 2]))
        left = right
    if any(link is None for link in links):
        return BROKEN
    found = [link for link in links if link is not None]
    if len(found) == 1:
        return Part(Kind.TRUTH, found[0])
    return Part(Kind.TRUTH, reduce(_linked, reversed(found)))


def _linked(later: Value, first: Value) -> Value:
    return lambda subject: first(subject) and later(subject)


def _link(making: Making, left: Part, right: Part, sign: ast.cmpop, nodes: list[ast.expr]) -> Value | None:
    if left.kind is None or right.kind is None:
        return None
    left, right = _as_duration(left, right), _as_duration(right, left)
    compare = _ORDERED.get(type(sign)) or _EQUAL[type(sign)]
    alike = left.kind is right.kind or {left.kind, right.kind} <= set(NUMERIC)
    if not alike:
        making.fault(nodes[0], f"{left.told} {_SIGNS[type(sign)]} {right.told} has no meaning")
        return None
    if type(sign) in _ORDERED and left.kind in {Kind.TEXT, Kind.TRUTH}:
        making.fault(nodes[0], f"{_SIGNS[type(sign)]} takes numbers, moments or durations, this is {left.told}")
        return None
    if {left.kind, right.kind} == set(NUMERIC):
        making.mixes_money = True
    if not making.within_aggregate:
        making.bounds.compared(nodes[0], right.value)
        making.bounds.compared(nodes[1], left.value)
    first, second, constant = left.value, right.value, right.constant
    if constant is not None:
        return _WITH_CONSTANT[type(sign)](first, constant)
    return lambda subject: compare(first(subject), second(subject))


def _membership(making: Making, left: Part, sign: ast.cmpop, behind: ast.expr) -> Value | None:
    items = items_of(making, behind)
    nodes = [behind] * len(items or ())
    if items is None:
        if not isinstance(behind, ast.List | ast.Tuple) or not behind.elts:
            making.fault(behind, 'behind in stands a list of values: method in ["CARD", "COIN"]')
            return None
        nodes = behind.elts
        items = [making.part(one) for one in nodes]
    wrong = left.kind is None
    for one, item in zip(nodes, items, strict=True):
        if item.kind is None or left.kind is None:
            wrong = True
        elif item.constant is None:
            wrong = True
            making.fault(one, "a list holds values that are written out")
        elif item.kind is not left.kind and {item.kind, left.kind} != set(NUMERIC):
            wrong = True
            making.fault(one, f"{left.told} was expected, this is {item.told}")
    if wrong:
        return None
    if left.kind is Kind.MONEY:
        making.mixes_money = True
    held, get = frozenset(item.constant for item in items), left.value
    if isinstance(sign, ast.In):
        return lambda subject: get(subject) in held
    return lambda subject: get(subject) not in held


def listed(making: Making, node: ast.List | ast.Tuple) -> Part:
    """Refuse a list that does not stand behind ``in``."""
    return making.fault(node, "a list stands behind in alone")


def _as_duration(part: Part, other: Part) -> Part:
    """Return a text beside a duration as the duration that it writes."""
    if other.kind is Kind.DURATION and type(part.constant) is str:
        found = duration_us(part.constant)
        if found is not None:
            return constant_part(Kind.DURATION, found)
    return part
